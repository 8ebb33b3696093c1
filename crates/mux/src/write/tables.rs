//! Collects one track's sample tables (`stts`, `ctts`, `stsz`, `stss`, `stsc`, chunk offsets) from its fragments.

use crate::{
    Kind, Sample,
    sample::FragmentTable,
    unsuitable::{Result, Unsuitable},
};

/// The tables of one track; chunks lie at offsets from the start of the media.
#[derive(Debug, Default)]
pub(crate) struct SampleTable {
    pub(super) durations: Vec<(u32, u32)>,
    pub(super) shifts: Vec<(u32, u32)>,
    pub(super) negative_shifts: bool,
    pub(super) sizes: Vec<u32>,
    pub(super) sync: Vec<u32>,
    /// First chunk, samples in each.
    pub(super) runs: Vec<(u32, u32)>,
    pub(super) offsets: Vec<u64>,
    /// Decode time of the first sample.
    pub(super) first: Option<u64>,
    /// Where the last sample's decoding ends.
    time: u64,
    /// Duration of the last sample, which the next chunk's time may correct.
    last: Option<u32>,
    /// Where the last sample to be shown ends, from the first's decode time.
    end: u64,
}

impl SampleTable {
    /// Appends a fragment that begins `input` bytes into its input and `output` bytes into the media.
    pub(crate) fn push(&mut self, fragment: &FragmentTable, input: u64, output: u64) -> Result<()> {
        let mut samples = fragment.samples.iter();
        for chunk in &fragment.chunks {
            self.go_to(chunk.time)?;
            let offset = chunk.offset.checked_sub(input).and_then(|within| within.checked_add(output));
            self.offsets.push(offset.ok_or(Unsuitable::Sizes("samples outside their fragment"))?);
            if self.runs.last().is_none_or(|(_, samples)| *samples != chunk.samples) {
                self.runs.push((number(self.offsets.len()), chunk.samples));
            }
            for sample in samples.by_ref().take(usize::try_from(chunk.samples).unwrap_or(usize::MAX)) {
                self.sample(*sample);
            }
        }
        Ok(())
    }

    /// A gap makes the sample before it longer, an overlap shorter: tables have no other way to say when a sample is.
    fn go_to(&mut self, time: u64) -> Result<()> {
        if self.first.is_none() {
            (self.first, self.time) = (Some(time), time);
        }
        if let Some(last) = self.last {
            let start = self.time - u64::from(last);
            let corrected = time.checked_sub(start).ok_or(Unsuitable::Backwards)?;
            self.last = Some(u32::try_from(corrected).map_err(|_| Unsuitable::OverCap("gap"))?);
        }
        self.time = time;
        Ok(())
    }

    fn sample(&mut self, sample: Sample) {
        self.settle();
        let zero = self.time.saturating_sub(self.first.unwrap_or_default());
        let shown = zero.saturating_add(u64::from(sample.duration)).saturating_add_signed(i64::from(sample.shift));
        self.end = self.end.max(shown);
        run(&mut self.shifts, sample.shift.cast_unsigned());
        self.negative_shifts |= sample.shift < 0;
        self.sizes.push(sample.size());
        if sample.is_sync() {
            self.sync.push(number(self.sizes.len()));
        }
        self.last = Some(sample.duration);
        self.time = self.time.saturating_add(u64::from(sample.duration));
    }

    /// The last sample's duration is certain now.
    pub(crate) fn settle(&mut self) {
        if let Some(last) = self.last.take() {
            run(&mut self.durations, last);
        }
    }

    /// Decode time of the first sample.
    pub(crate) fn first(&self) -> u64 {
        self.first.unwrap_or_default()
    }

    /// Where the last sample to be shown ends, in ticks from the first's decode time.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// All durations together.
    pub(super) fn duration(&self) -> u64 {
        self.time.saturating_sub(self.first())
    }

    /// Pictures of which some need others; everything else needs no `stss`.
    pub(super) fn lists_sync(&self, kind: Kind) -> bool {
        kind == Kind::Video && self.sync.len() != self.sizes.len()
    }

    pub(crate) fn has_samples(&self) -> bool {
        !self.sizes.is_empty()
    }
}

fn run(runs: &mut Vec<(u32, u32)>, value: u32) {
    match runs.last_mut() {
        Some((count, last)) if *last == value => *count += 1,
        _ => runs.push((1, value)),
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
