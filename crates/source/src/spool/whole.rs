//! Does a file say of itself that it is longer than it is?
//!
//! A body that came without a length and not in chunks ends when the connection does, whatever the reason. MP4 and Matroska say how
//! long their outermost parts are, and so betray a cut. This reads those lengths and nothing else; other kinds of file pass.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

/// More boxes at the outermost level than any real file has; then it is believed.
const MAX_BOXES: usize = 1_000_000;
/// Matroska and WebM begin with this, the id of an EBML header.
const EBML: [u8; 4] = [0x1A, 0x45, 0xDF, 0xA3];
/// The id of a Matroska segment, which holds everything else.
const SEGMENT: [u8; 4] = [0x18, 0x53, 0x80, 0x67];

/// Is the file certainly cut off?
pub(super) fn is_cut_off(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut head = [0; 12];
    if file.read(&mut head)? < head.len() {
        return Ok(false);
    }
    file.rewind()?;
    if head.starts_with(&EBML) {
        matroska(&mut file, length)
    } else if &head[4..8] == b"ftyp" {
        mp4(&mut file, length)
    } else {
        Ok(false)
    }
}

/// Boxes of a 32-bit length and a name; a length of 1 means that 64 bits follow, of 0 that the box goes on to the end.
fn mp4(file: &mut File, length: u64) -> io::Result<bool> {
    let mut at = 0;
    for _ in 0..MAX_BOXES {
        if at == length {
            return Ok(false);
        }
        file.seek(SeekFrom::Start(at))?;
        let Some(head) = read::<8>(file)? else { return Ok(true) };
        let size = match u32::from_be_bytes([head[0], head[1], head[2], head[3]]) {
            0 => return Ok(false),
            1 => match read::<8>(file)? {
                Some(size) => u64::from_be_bytes(size),
                None => return Ok(true),
            },
            size => size.into(),
        };
        // Padding after the last box is no cut.
        if size < 8 {
            return Ok(false);
        }
        at = match at.checked_add(size) {
            Some(end) if end <= length => end,
            _ => return Ok(true),
        };
    }
    Ok(false)
}

/// A header element, then the segment; each with an id and a length. An unknown length is what live recordings have.
fn matroska(file: &mut File, length: u64) -> io::Result<bool> {
    let mut at = EBML.len() as u64;
    let Some((header, bytes)) = element_length(file, at)? else { return Ok(false) };
    at = at.saturating_add(bytes).saturating_add(header);
    if at >= length {
        return Ok(true);
    }
    file.seek(SeekFrom::Start(at))?;
    if read::<4>(file)? != Some(SEGMENT) {
        return Ok(false);
    }
    at = at.saturating_add(SEGMENT.len() as u64);
    let Some((segment, bytes)) = element_length(file, at)? else { return Ok(false) };
    Ok(at.saturating_add(bytes).saturating_add(segment) > length)
}

/// An element's length and how many bytes say so; `None` when it is unknown. The number of leading zero bits tells how many bytes follow the first.
fn element_length(file: &mut File, at: u64) -> io::Result<Option<(u64, u64)>> {
    file.seek(SeekFrom::Start(at))?;
    let Some([first]) = read::<1>(file)? else { return Ok(None) };
    let more = first.leading_zeros();
    if more > 7 {
        return Ok(None);
    }
    let mut value = u64::from(first) & (0x7F >> more);
    let mut unknown = value == 0x7F >> more;
    for _ in 0..more {
        let Some([byte]) = read::<1>(file)? else { return Ok(None) };
        unknown &= byte == 0xFF;
        value = value << 8 | u64::from(byte);
    }
    Ok((!unknown).then_some((value, u64::from(more) + 1)))
}

/// So many bytes, or `None` at the end.
fn read<const N: usize>(file: &mut File) -> io::Result<Option<[u8; N]>> {
    let mut bytes = [0; N];
    match file.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{progressive, webm};

    fn cut_off(bytes: &[u8]) -> bool {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        is_cut_off(file.path()).unwrap()
    }

    #[test]
    fn a_cut_is_seen_wherever_it_is() {
        for clip in [progressive(), webm()] {
            assert!(!cut_off(&clip));
            for end in [20, 64, clip.len() / 3, clip.len() / 2, clip.len() - 1] {
                assert!(cut_off(&clip[..end]), "{end} of {}", clip.len());
            }
        }
    }

    #[test]
    fn absurd_lengths_are_cuts() {
        assert!(cut_off(&[&EBML[..], &[1, 0, 16, 0, 0, 0, 0, 0]].concat()));
        assert!(cut_off(b"\0\0\0\x01ftyp\xff\xff\xff\xff\xff\xff\xff\xff"));
    }

    #[test]
    fn what_is_neither_passes() {
        for bytes in [&b""[..], b"short", b"plain words in a text file", &[0; 100]] {
            assert!(!cut_off(bytes));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn any_bytes_end(tail in proptest::collection::vec(any::<u8>(), 0..300), matroska in any::<bool>()) {
            let head: &[u8] = if matroska { &EBML } else { b"\0\0\0\x0cftypmp42" };
            cut_off(&[head, &tail].concat());
        }
    }
}
