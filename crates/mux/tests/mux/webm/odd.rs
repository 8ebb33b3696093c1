//! Files that no encoder here makes: every element that may stand somewhere does, in sizes of any width.

use bytes::Bytes;
use proptest::prelude::*;

use super::{
    drive::{plan, read},
    take::{CLUSTER, elements, number, top},
};
use crate::drive::{Dice, Inputs};

/// What must come out again: track, time, and all bytes but those that tell track and time.
type Block = (u8, i64, Vec<u8>);

struct Maker {
    dice: Dice,
    number: u8,
}

impl Maker {
    fn roll(&mut self, below: usize) -> usize {
        usize::try_from(self.dice.roll(below as u64)).expect("small")
    }

    /// An element whose size takes any number of bytes that it can take.
    fn element(&mut self, id: u32, body: &[u8]) -> Vec<u8> {
        let least = (1..8).find(|width| (body.len() as u64) < (1 << (7 * width)) - 1).unwrap_or(8);
        let width = if self.roll(2) == 0 { least } else { least + self.roll(9 - least) };
        let name: Vec<u8> = id.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
        let size = (body.len() as u64 | 1 << (7 * width)).to_be_bytes();
        [&name[..], &size[8 - width..], body].concat()
    }

    fn uint(&mut self, id: u32, value: u64) -> Vec<u8> {
        let bytes = value.to_be_bytes();
        let least = bytes.iter().position(|byte| *byte != 0).unwrap_or(7);
        let from = self.roll(least + 1);
        self.element(id, &bytes[from..])
    }

    fn noise(&mut self, most: usize) -> Vec<u8> {
        let length = self.roll(most);
        (0..length).map(|_| u8::try_from(self.dice.roll(256)).expect("a byte")).collect()
    }

    /// An element that may stand there and means nothing to us, or none.
    fn beside(&mut self, ids: &[u32]) -> Vec<u8> {
        if self.roll(4) > 0 {
            return Vec::new();
        }
        let (id, body) = (ids[self.roll(ids.len())], self.noise(300));
        self.element(id, &body)
    }

    fn block(&mut self, time: i64, cluster: i64, blocks: &mut Vec<Block>) -> Vec<u8> {
        let relative = i16::try_from(time - cluster).expect("in reach").to_be_bytes();
        let payload = [vec![u8::try_from(self.dice.roll(256)).expect("a byte")], self.noise(200)].concat();
        let body = [&[0x80 | self.number, relative[0], relative[1]], &payload[..]].concat();
        if self.roll(3) > 0 {
            blocks.push((self.number, time, payload));
            return self.element(0xa3, &body);
        }
        // BlockAdditions, BlockDuration, DiscardPadding, on either side.
        let before = self.beside(&[0x75a1, 0x9b, 0x75a2]);
        let block = self.element(0xa1, &body);
        let after = self.beside(&[0x75a1, 0x9b, 0x75a2]);
        blocks.push((self.number, time, [&before[..], b"|", &payload, b"|", &after].concat()));
        self.element(0xa0, &[before, block, after].concat())
    }

    /// A file of any clusters, and its blocks.
    fn file(&mut self, kind: u64, codec: &[u8]) -> (Bytes, Vec<Block>) {
        let mut blocks = Vec::new();
        let mut time = i64::try_from(self.dice.roll(12_000)).expect("small");
        let (mut media, mut starts) = (Vec::new(), Vec::new());
        let longest = [300, 3000, 12_000][self.roll(3)];
        for index in 0..=self.roll(12) {
            let begin = time;
            let mut body = [self.beside(&[0xec, 0xbf, 0xab, 0xa7]), self.uint(0xe7, begin.unsigned_abs())].concat();
            for _ in 0..self.roll(9) {
                body.extend(self.beside(&[0xec, 0x5854, 0xa7]));
                body.extend(self.block(time, begin, &mut blocks));
                time += i64::try_from(self.dice.roll(longest / 8)).expect("small");
            }
            // Not all are named.
            if index == 0 || self.roll(5) > 0 {
                starts.push((media.len() as u64, begin.unsigned_abs()));
            }
            media.extend(self.element(CLUSTER, &body));
            media.extend(self.beside(&[0xec, 0x1254_c367]));
            time += 1;
        }
        let entry = [self.uint(0xd7, self.number.into()), self.uint(0x83, kind), self.element(0x86, codec)].concat();
        let entry = self.element(0xae, &entry);
        let head = [self.element(0x1549_a966, &[]), self.element(0x1654_ae6b, &entry)].concat();
        let mut cues = vec![0; 0];
        for (at, time) in starts {
            // Sizes of one width, so that the cues can tell what stands behind them.
            let place = (head.len() as u64 + 4096 + at).to_be_bytes();
            let positions = [&[0xf7, 0x81, self.number, 0xf1, 0x88][..], &place].concat();
            let point = [&[0xb3, 0x88][..], &time.to_be_bytes(), &[0xb7, 0x80 | 13], &positions].concat();
            cues.extend([&[0xbb, 0x80 | u8::try_from(point.len()).expect("small")][..], &point].concat());
        }
        let cues = self.element(0x1c53_bb6b, &cues);
        let padding = 4096 - cues.len() - 9;
        let void = [&[0xec][..], &(padding as u64 | 1 << 56).to_be_bytes(), &vec![0; padding]].concat();
        let segment = [head, cues, void, media].concat();
        let document = [0x42, 0x82, 0x84, b'w', b'e', b'b', b'm'];
        let file = [self.element(0x1a45_dfa3, &document), self.element(0x1853_8067, &segment)].concat();
        (file.into(), blocks)
    }
}

/// The blocks of an output, in order.
fn blocks(file: &[u8]) -> Vec<Block> {
    let mut blocks = Vec::new();
    for cluster in top(file).iter().filter(|found| found.id == CLUSTER) {
        let mut time = None;
        for child in elements(file, cluster.body, cluster.end) {
            let mut block = |body: usize, payload: Vec<u8>| {
                let begin = i64::try_from(time.expect("a time comes first")).expect("small");
                let relative = i16::from_be_bytes([file[body + 1], file[body + 2]]);
                blocks.push((file[body] & 0x7f, begin + i64::from(relative), payload));
            };
            match child.id {
                0xe7 => assert_eq!(time.replace(number(file, &child)), None),
                0xa3 => block(child.body, file[child.body + 3..child.end].to_vec()),
                0xa0 => {
                    let inside = elements(file, child.body, child.end);
                    let inner = inside.iter().find(|found| found.id == 0xa1).expect("a block");
                    let payload = &file[inner.body + 3..inner.end];
                    let around = [&file[child.body..inner.start], b"|", payload, b"|", &file[inner.end..child.end]];
                    block(inner.body, around.concat());
                }
                other => assert_eq!(other, 0xec),
            }
        }
    }
    blocks
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_block_comes_out_once_in_order(seed in any::<u64>(), numbers in prop::array::uniform2(1..127_u8)) {
        let [video, audio] = numbers;
        let (video, pictures) = Maker { dice: Dice(seed), number: video }.file(1, b"V_AV1");
        let (audio, sounds) = Maker { dice: Dice(!seed), number: audio }.file(2, b"A_OPUS\0");
        let inputs = Inputs { video, audio };
        let plan = plan(&inputs).expect("suitable");
        let whole = read(&inputs, &plan, 0..plan.len(), 1 << 20).expect("all of it");
        prop_assert_eq!(whole.len() as u64, plan.len());
        let out = blocks(&whole);
        for (track, wanted) in [(1, &pictures), (2, &sounds)] {
            let found: Vec<_> = out.iter().filter(|block| block.0 == track).collect();
            prop_assert_eq!(found.len(), wanted.len());
            for (found, wanted) in found.iter().zip(wanted) {
                prop_assert_eq!((found.1, &found.2), (wanted.1, &wanted.2));
            }
        }
        let step = 1 + seed % 97;
        let half = plan.len() / 2;
        let parts = [0..half, half..plan.len()].map(|range| read(&inputs, &plan, range, step).expect("a range"));
        prop_assert!(parts.concat() == whole);
    }
}
