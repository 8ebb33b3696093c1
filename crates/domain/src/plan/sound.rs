//! The ways to have the sound alone.

use super::{choice::Choice, encoding::Encoding};
use crate::{Codec, Format};

/// Sound alone; failing that, the sound of the smallest file that has both.
pub(super) fn sound<'i>(usable: &[&'i Format], wanted: impl Fn(&Format) -> bool) -> Vec<Choice<'i>> {
    let alone: Vec<_> = usable
        .iter()
        .filter(|format| format.is_audio_only() && wanted(format))
        .map(|format| Choice::single(format))
        .collect();
    if !alone.is_empty() {
        return alone;
    }
    usable
        .iter()
        .rev()
        .filter(|format| format.is_muxed() && wanted(format))
        .map(|format| Choice::sound_of(format))
        .collect()
}

/// Sound of this kind as the site has it; failing that, whatever sound there is, converted.
pub(super) fn sound_as<'i>(usable: &[&'i Format], encoding: Encoding) -> Vec<Choice<'i>> {
    let found = sound(usable, |format| is(format, encoding));
    if !found.is_empty() {
        return found.into_iter().map(Choice::into_sound_file).collect();
    }
    sound(usable, |_| true)
        .into_iter()
        .map(|choice| Choice { sound_only: true, encode: Some(encoding), ..choice })
        .collect()
}

/// A site that names no codec may still name the file by what is in it.
fn is(format: &Format, encoding: Encoding) -> bool {
    let by_name = format.audio == Codec::Unknown && format.is_audio_only() && format.ext == encoding.extension();
    format.audio == encoding.codec() || by_name
}
