//! How fast inputs in memory are interleaved: megabytes per second, and processor seconds per gigabyte.
//!
//! `cargo bench -p sluice-mux`. The inputs are made here: an hour of pictures and sound whose bytes are all alike.

mod webm;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use bytes::Bytes;
use sluice_mux::{Header, Hint, Layout, Pair, Piece, Plan, Probe, Scan, Tables, Track};

const FRAGMENTS: u32 = 720;
const SECONDS: u32 = 5;

/// One of the inputs.
struct Shape {
    handler: &'static [u8; 4],
    entry: &'static [u8; 4],
    timescale: u32,
    samples: u32,
    size: u32,
}

const VIDEO: Shape = Shape { handler: b"vide", entry: b"avc1", timescale: 15_000, samples: 150, size: 9_000 };
const AUDIO: Shape = Shape { handler: b"soun", entry: b"mp4a", timescale: 48_000, samples: 234, size: 340 };

fn boxed(kind: &[u8; 4], body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    let size = u32::try_from(body.len() + 8).unwrap_or(u32::MAX);
    [&size.to_be_bytes()[..], kind, &body].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn input(shape: &Shape) -> Bytes {
    let mvhd = boxed(b"mvhd", &[&words(&[0, 0, 0, 1000, 0]), &[0; 80]]);
    let tkhd = boxed(b"tkhd", &[&words(&[3, 0, 0, 1, 0, 0]), &[0; 60]]);
    let mdhd = boxed(b"mdhd", &[&words(&[0, 0, 0, shape.timescale, 0, 0])]);
    let hdlr = boxed(b"hdlr", &[&[0; 8], shape.handler, &[0; 13]]);
    let entry = boxed(shape.entry, &[&[0, 0, 0, 0, 0, 0, 0, 1], &[0; 70]]);
    let stsd = boxed(b"stsd", &[&words(&[0, 1]), &entry]);
    let minf = boxed(b"minf", &[&boxed(b"stbl", &[&stsd])]);
    let trak = boxed(b"trak", &[&tkhd, &boxed(b"mdia", &[&mdhd, &hdlr, &minf])]);
    let trex = boxed(b"trex", &[&words(&[0, 1, 1, 0, 0, 0])]);
    let moov = boxed(b"moov", &[&mvhd, &trak, &boxed(b"mvex", &[&trex])]);
    let lasts = shape.timescale * SECONDS;
    let media: Vec<Vec<u8>> = (0..FRAGMENTS).map(|number| fragment(shape, number * lasts)).collect();
    let mut sidx = words(&[0, 1, shape.timescale, 0, 0, FRAGMENTS]);
    for fragment in &media {
        sidx.extend(words(&[u32::try_from(fragment.len()).unwrap_or(0), lasts, 0x9000_0000]));
    }
    Bytes::from([boxed(b"ftyp", &[b"isom\0\0\0\0"]), moov, boxed(b"sidx", &[&sidx]), media.concat()].concat())
}

fn fragment(shape: &Shape, time: u32) -> Vec<u8> {
    let each = shape.timescale * SECONDS / shape.samples;
    let tfhd = boxed(b"tfhd", &[&words(&[0x0002_0000, 1])]);
    let tfdt = boxed(b"tfdt", &[&words(&[0, time])]);
    let mut trun = words(&[0x0000_0301, shape.samples, 0]);
    (0..shape.samples).for_each(|number| trun.extend(words(&[each, shape.size + number % 50])));
    let moof = |trun: &[u8]| {
        let traf = boxed(b"traf", &[&tfhd, &tfdt, &boxed(b"trun", &[trun])]);
        boxed(b"moof", &[&boxed(b"mfhd", &[&words(&[0, 1])]), &traf])
    };
    let offset = u32::try_from(moof(&trun).len() + 8).unwrap_or(0);
    trun[8..12].copy_from_slice(&offset.to_be_bytes());
    let bytes: u32 = (0..shape.samples).map(|number| shape.size + number % 50).sum();
    let payload = vec![0x5a; usize::try_from(bytes).unwrap_or(0)];
    [moof(&trun), boxed(b"mdat", &[&payload])].concat()
}

fn header(bytes: &Bytes) -> Result<Header, sluice_mux::Unsuitable> {
    let mut probe = Probe::new(bytes.len() as u64)?;
    while let Some(range) = probe.wants() {
        probe.feed(range.start, &cut(bytes, range))?;
    }
    probe.finish().ok_or(sluice_mux::Unsuitable::NotMp4)
}

fn cut(bytes: &Bytes, range: std::ops::Range<u64>) -> Bytes {
    let index = |place| usize::try_from(place).unwrap_or(usize::MAX);
    bytes.slice(index(range.start)..index(range.end))
}

/// Processor time of this process, user and system together.
fn processor() -> Duration {
    // Fields 14 and 15 of the line, in hundredths of a second; the name in field 2 has no space here.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: u64 = stat.split(' ').skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// Where an uploader would put pieces together.
struct Chunk {
    bytes: Vec<u8>,
    written: u64,
}

impl Default for Chunk {
    fn default() -> Self {
        Self { bytes: vec![0; 1 << 20], written: 0 }
    }
}

impl Chunk {
    fn take(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(self.bytes.len()) {
            self.bytes[..part.len()].copy_from_slice(part);
            self.written += part.len() as u64;
            black_box(&self.bytes);
        }
    }
}

fn run(layout: Layout, inputs: &[Bytes; 2]) -> Result<u64, sluice_mux::Unsuitable> {
    let input = |track| &inputs[usize::from(track == Track::Audio)];
    let pair = Pair::new(header(&inputs[0])?, header(&inputs[1])?)?;
    let mut tables = Tables::new(&pair);
    for (track, index) in tables.needs(layout) {
        let Some(mut scan) = Scan::new(pair.header(track), index) else { continue };
        while let Some(range) = scan.wants() {
            scan.feed(range.start, &cut(input(track), range))?;
        }
        if let Some(table) = scan.finish() {
            tables.insert(track, index, table)?;
        }
    }
    let plan = Plan::new(layout, &pair, &mut tables, Hint::default())?;
    let mut chunk = Chunk::default();
    let mut take = |bytes: &[u8]| chunk.take(bytes);
    for piece in plan.read(0..plan.len()) {
        match piece {
            Piece::Bytes(bytes) => take(&bytes),
            Piece::Copy { track, range } => {
                let bytes = cut(input(track), range.clone());
                tables.pass(track, range.start, &bytes)?;
                take(&bytes);
            }
            Piece::Patched(mut patcher) => {
                let mut out = Vec::new();
                while let Some(range) = patcher.wants() {
                    patcher.push(range.start, &cut(input(patcher.track()), range), &mut out)?;
                    out.drain(..).for_each(|bytes| take(&bytes));
                }
            }
            Piece::Tail(range) => take(&plan.tail(&tables)?[range]),
        }
    }
    assert_eq!(chunk.written, plan.len());
    Ok(chunk.written)
}

#[expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a bench prints rounded numbers")]
fn measure(name: &str, run: impl Fn() -> Result<u64, sluice_mux::Unsuitable>) -> Result<(), sluice_mux::Unsuitable> {
    let (start, before) = (Instant::now(), processor());
    let mut bytes = 0;
    for _ in 0..3 {
        bytes += run()?;
    }
    let (wall, busy) = (start.elapsed().as_secs_f64(), (processor() - before).as_secs_f64());
    let megabytes = bytes as f64 / 1e6;
    println!("{name}: {megabytes:.0} MB, {:.0} MB/s, {:.3} CPU s per GB", megabytes / wall, busy * 1000.0 / megabytes);
    Ok(())
}

fn main() -> Result<(), sluice_mux::Unsuitable> {
    let inputs = [input(&VIDEO), input(&AUDIO)];
    for layout in [Layout::Hybrid, Layout::Faststart, Layout::Fragmented] {
        measure(&format!("{layout:?}"), || run(layout, &inputs))?;
    }
    let inputs = webm::inputs();
    measure("WebM", || {
        let mut chunk = Chunk::default();
        webm::run(&inputs, |bytes| chunk.take(bytes))?;
        Ok(chunk.written)
    })
}
