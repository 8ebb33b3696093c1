//! Fragments' tables as bytes, for a checkpoint: about six bytes per sample.

use super::{Chunk, FragmentTable, Sample};
use crate::{
    limits,
    unsuitable::{Result, Unsuitable},
    wire::index,
};

/// Appends `table`; what [`unpack`] reads.
pub(super) fn pack(table: &FragmentTable, out: &mut Vec<u8>) {
    number(out, u64::try_from(table.chunks.len()).unwrap_or(u64::MAX));
    for chunk in &table.chunks {
        number(out, chunk.offset);
        number(out, chunk.time);
        number(out, u64::from(chunk.samples));
    }
    for sample in &table.samples {
        number(out, u64::from(sample.size_and_sync.rotate_left(1)));
        number(out, u64::from(sample.duration));
        let shift = sample.shift;
        number(out, u64::from(((shift << 1) ^ (shift >> 31)).cast_unsigned()));
    }
}

/// Reads one table from the front of `bytes`.
pub(super) fn unpack(bytes: &mut &[u8]) -> Result<FragmentTable> {
    let chunks = read(bytes)?;
    // Nothing is reserved for a count: every element takes bytes that have to be there.
    let mut table = FragmentTable::default();
    let mut samples = 0;
    for _ in 0..chunks {
        let chunk = Chunk { offset: read(bytes)?, time: read(bytes)?, samples: small(bytes)? };
        samples += index(u64::from(chunk.samples));
        if samples > limits::MAX_FRAGMENT_SAMPLES {
            return Err(Unsuitable::Saved);
        }
        table.chunks.push(chunk);
    }
    for _ in 0..samples {
        let size_and_sync = small(bytes)?.rotate_right(1);
        let duration = small(bytes)?;
        let shift = small(bytes)?;
        let shift = (shift >> 1).cast_signed() ^ -(shift & 1).cast_signed();
        table.samples.push(Sample { size_and_sync, duration, shift });
    }
    Ok(table)
}

/// Seven bits per byte, the lowest first; the top bit says that more follow.
pub(super) fn number(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        out.push(if value == 0 { low & 0x7f } else { low | 0x80 });
        if value == 0 {
            return;
        }
    }
}

pub(super) fn read(bytes: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first().ok_or(Unsuitable::Saved)?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Unsuitable::Saved)
}

pub(super) fn small(bytes: &mut &[u8]) -> Result<u32> {
    u32::try_from(read(bytes)?).map_err(|_| Unsuitable::Saved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_tables_come_back() {
        let samples = vec![
            Sample::new(0, false, 0, i32::MIN),
            Sample::new(limits::MAX_SAMPLE, true, u32::MAX, i32::MAX),
            Sample::new(300, true, 512, -1024),
        ];
        let chunks =
            vec![Chunk { offset: 1 << 40, time: 1 << 50, samples: 2 }, Chunk { offset: 8, time: 0, samples: 1 }];
        let table = FragmentTable { chunks, samples };
        let mut bytes = Vec::new();
        pack(&table, &mut bytes);
        assert_eq!(unpack(&mut &bytes[..]), Ok(table));
        for cut in 0..bytes.len() {
            assert_eq!(unpack(&mut &bytes[..cut]), Err(Unsuitable::Saved));
        }
    }
}
