//! Builds and takes apart MP4 boxes: inputs that no encoder here makes.

/// A top-level box: its name, where it begins, and its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Box {
    pub(crate) kind: String,
    pub(crate) start: usize,
    pub(crate) size: usize,
}

pub(crate) fn boxes(file: &[u8]) -> Vec<Box> {
    let mut at = 0;
    let mut found = Vec::new();
    while at + 8 <= file.len() {
        let size = word(file, at) as usize;
        found.push(Box { kind: String::from_utf8_lossy(&file[at + 4..at + 8]).into_owned(), start: at, size });
        at += size.max(8);
    }
    found
}

pub(crate) fn word(file: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(file[at..at + 4].try_into().expect("four bytes"))
}

pub(crate) fn put(file: &mut [u8], at: usize, value: u32) {
    file[at..at + 4].copy_from_slice(&value.to_be_bytes());
}

/// Where the body of the first box with these letters begins.
pub(crate) fn find(file: &[u8], kind: &[u8; 4]) -> usize {
    file.windows(4).position(|window| window == kind).expect("a box of this kind") + 4
}

/// Overwrites a word in the first box with these letters, so many bytes after its header.
pub(crate) fn set(file: &mut [u8], kind: &[u8; 4], at: usize, value: u32) {
    let place = find(file, kind) + at;
    put(file, place, value);
}

pub(crate) fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len() + 8).expect("small");
    [&size.to_be_bytes()[..], kind, body].concat()
}

/// A file in parts: everything up to the `moov`, and the fragments, each a `moof` with its `mdat`.
pub(crate) struct Parts {
    pub(crate) head: Vec<u8>,
    pub(crate) fragments: Vec<Vec<u8>>,
    /// In ticks of the `sidx`.
    pub(crate) durations: Vec<u32>,
    pub(crate) timescale: u32,
    /// Earliest presentation time.
    pub(crate) time: u32,
}

/// Takes an indexed file apart.
pub(crate) fn parts(file: &[u8]) -> Parts {
    let all = boxes(file);
    let sidx = find(file, b"sidx");
    let end = |found: &Box| found.start + found.size;
    let head = all.iter().find(|found| found.kind == "moov").map(|moov| file[..end(moov)].to_vec()).expect("a moov");
    let mut fragments = Vec::new();
    for pair in all.windows(2).filter(|pair| pair[0].kind == "moof") {
        fragments.push(file[pair[0].start..end(&pair[1])].to_vec());
    }
    // ffmpeg writes version 1.
    let references = sidx + 4 + 4 + 4 + 16 + 4;
    let durations = (0..fragments.len()).map(|number| word(file, references + number * 12 + 4)).collect();
    Parts { head, fragments, durations, timescale: word(file, sidx + 8), time: word(file, sidx + 16) }
}

/// A reference: whether it is to an index, its size, its duration.
pub(crate) type Reference = (bool, usize, u32);

impl Parts {
    /// A `sidx` of version 0.
    pub(crate) fn sidx(&self, time: u32, first_offset: u32, references: &[Reference]) -> Vec<u8> {
        let mut body = vec![0; 4];
        for value in [1, self.timescale, time, first_offset, u32::try_from(references.len()).expect("few")] {
            body.extend(u32::to_be_bytes(value));
        }
        for (index, size, duration) in references {
            let size = u32::try_from(*size).expect("small") | (u32::from(*index) << 31);
            for value in [size, *duration, 0x9000_0000] {
                body.extend(value.to_be_bytes());
            }
        }
        boxed(b"sidx", &body)
    }

    /// References to fragments of a range.
    pub(crate) fn references(&self, range: std::ops::Range<usize>) -> Vec<Reference> {
        range.map(|number| (false, self.fragments[number].len(), self.durations[number])).collect()
    }

    pub(crate) fn time_of(&self, number: usize) -> u32 {
        self.time + self.durations[..number].iter().sum::<u32>()
    }

    pub(crate) fn media(&self, range: std::ops::Range<usize>) -> Vec<u8> {
        self.fragments[range].concat()
    }
}
