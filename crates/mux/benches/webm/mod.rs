//! The same hour as WebM: pictures in clusters of five seconds, sound in clusters of ten.

use bytes::Bytes;
use sluice_mux::{
    Track, Unsuitable,
    webm::{Header, Piece, Plan, Probe},
};

use crate::cut;

fn element(id: u32, body: &[u8]) -> Vec<u8> {
    let name: Vec<u8> = id.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    let size = (body.len() as u64) | 1 << 56;
    [&name[..], &size.to_be_bytes(), body].concat()
}

fn uint(id: u32, value: usize) -> Vec<u8> {
    element(id, &value.to_be_bytes())
}

/// An hour: of `clusters` clusters with `blocks` blocks of `size` bytes each.
fn input(kind: usize, codec: &[u8], clusters: usize, blocks: usize, size: usize) -> Bytes {
    let lasts = 3_600_000 / clusters;
    let media: Vec<Vec<u8>> = (0..clusters)
        .map(|number| {
            let mut body = uint(0xe7, number * lasts);
            for block in 0..blocks {
                let time = u16::try_from(block * lasts / blocks).unwrap_or(0).to_be_bytes();
                let payload = vec![0x5a; size + block % 50];
                body.extend(element(0xa3, &[&[0x81, time[0], time[1], 0x80], &payload[..]].concat()));
            }
            element(0x1f43_b675, &body)
        })
        .collect();
    let entry = [uint(0xd7, 1), uint(0x83, kind), element(0x86, codec)].concat();
    let head = [
        element(0x1549_a966, &element(0x4489, &3_600_000_f64.to_be_bytes())),
        element(0x1654_ae6b, &element(0xae, &entry)),
    ];
    let cues = |first: usize| {
        let mut at = first;
        let mut body = Vec::new();
        for (number, cluster) in media.iter().enumerate() {
            let positions = element(0xb7, &[uint(0xf7, 1), uint(0xf1, at)].concat());
            body.extend(element(0xbb, &[uint(0xb3, number * lasts), positions].concat()));
            at += cluster.len();
        }
        element(0x1c53_bb6b, &body)
    };
    let head = head.concat();
    let cues = cues(head.len() + cues(0).len());
    let document = element(0x1a45_dfa3, &element(0x4282, b"webm"));
    Bytes::from([document, element(0x1853_8067, &[head, cues, media.concat()].concat())].concat())
}

/// A picture and a sound.
pub(crate) fn inputs() -> [Bytes; 2] {
    [input(1, b"V_VP9", 720, 150, 9_000), input(2, b"A_OPUS", 360, 500, 320)]
}

fn header(bytes: &Bytes) -> Result<Header, Unsuitable> {
    let mut probe = Probe::new(bytes.len() as u64)?;
    while let Some(range) = probe.wants() {
        probe.feed(range.start, &cut(bytes, range))?;
    }
    probe.finish().ok_or(Unsuitable::NotWebm)
}

/// Makes the whole output out of pieces of 16 KiB, as a connection delivers them.
pub(crate) fn run(inputs: &[Bytes; 2], mut take: impl FnMut(&[u8])) -> Result<(), Unsuitable> {
    let plan = Plan::new(&header(&inputs[0])?, &header(&inputs[1])?)?;
    for piece in plan.read(0..plan.len()) {
        match piece {
            Piece::Bytes(bytes) => take(&bytes),
            Piece::Group(mut join) => {
                let mut out = Vec::new();
                while let Some((track, range)) = join.wants() {
                    let range = range.start..range.end.min(range.start + 16_384);
                    let bytes = cut(&inputs[usize::from(track == Track::Audio)], range.clone());
                    join.push(track, range.start, &bytes, &mut out)?;
                    out.drain(..).for_each(|bytes: Bytes| take(&bytes));
                }
            }
        }
    }
    Ok(())
}
