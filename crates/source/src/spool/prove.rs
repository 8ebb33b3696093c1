//! Is the file what was planned? The end of a download is no proof.

use std::path::{Path, PathBuf};

use sluice_domain::{Codec, Failure, FailureKind, FileName, Format, Length, Plan, plan::Container};

use super::whole::is_cut_off;
use super::{
    directory::FetchDirectory,
    download::Arrived,
    order::Order,
    probe::{Look, Probe, probe},
};
use crate::{Extraction, Tools, duration::prove_duration};

/// Extensions of files that ffprobe must be able to open.
const MEDIA: [&str; 16] =
    ["mp4", "m4v", "m4a", "mov", "3gp", "webm", "mkv", "mka", "mp3", "aac", "ogg", "opus", "oga", "flac", "wav", "ts"];

/// Extensions that the planner gives to sound alone.
const FOR_SOUND: [&str; 4] = ["m4a", "mp3", "opus", "ogg"];

/// A file that may be uploaded.
#[derive(Debug)]
pub(super) struct Proven {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) file_name: FileName,
}

/// Holds the file against everything that is known about it.
pub(super) async fn prove(
    tools: &Tools,
    directory: &FetchDirectory,
    plan: &Plan,
    order: &Order,
    extraction: &Extraction,
    arrived: Arrived,
) -> Result<Proven, Failure> {
    let counted = order.verbatim && prove_size(plan, &arrived)?;
    let extension = extension_of(&arrived.path);
    let needs_name = extension.is_none();
    let probed = if counted && plan.prove_codecs.is_none() && !needs_name {
        None
    } else {
        probe(tools, directory, &arrived.path, Look::Headers).await?
    };
    if order.verbatim && !counted {
        prove_unvouched(&arrived.path)?;
    }
    match &probed {
        Some(found) => {
            let announced = extraction.info.duration;
            if prove_duration(announced, found.duration).is_err() {
                let closer = probe(tools, directory, &arrived.path, Look::Packets).await?;
                prove_duration(announced, closer.and_then(|found| found.duration))?;
            }
            if let Some(wanted) = &plan.prove_codecs {
                prove_codecs(wanted, found)?;
            }
        }
        None if plan.prove_codecs.is_some() => return Err(no_such_codecs("no media")),
        // A file whose size nobody announced, or one that was put together here, must at least be media.
        None if !counted && (!order.verbatim || extension.as_deref().is_some_and(|ext| MEDIA.contains(&ext))) => {
            return Err(Failure::new(FailureKind::Network, "what arrived is not whole: ffprobe cannot read it"));
        }
        None => {}
    }
    let extension =
        extension.or_else(|| probed.as_ref().and_then(extension_for)).or_else(|| extension_in_link(extraction));
    let file_name = name(plan, extraction, extension.as_deref());
    Ok(Proven { path: arrived.path, bytes: arrived.bytes, file_name })
}

/// Is the file that the sound is taken out of whole, as far as can be said? What comes of it is proven by its duration as well.
pub(super) fn prove_raw(order: &Order, arrived: &Arrived) -> Result<(), Failure> {
    if !order.one_file {
        return Ok(());
    }
    match arrived.announced {
        Some(announced) if announced != arrived.bytes => Err(cut_off(arrived.bytes, announced)),
        Some(_) => Ok(()),
        None => prove_unvouched(&arrived.path),
    }
}

fn prove_unvouched(path: &Path) -> Result<(), Failure> {
    if is_cut_off(path).map_err(|error| Failure::internal(format!("spool: {error}")))? {
        return Err(Failure::new(FailureKind::Network, "the file is longer, by its own account, than what arrived"));
    }
    Ok(())
}

/// Compares with what the site announced, twice if it did: in the info and when it was asked for the bytes. `true` when there was
/// something to compare with.
///
/// More than the info announced is no truncation: the gate has counted it, and some sites' databases lag behind their files.
fn prove_size(plan: &Plan, arrived: &Arrived) -> Result<bool, Failure> {
    let planned = match plan.length {
        Length::Exact(bytes) => Some(bytes),
        Length::Estimate(_) | Length::Unknown => None,
    };
    if let Some(short) = planned.filter(|planned| arrived.bytes < *planned) {
        return Err(cut_off(arrived.bytes, short));
    }
    if let Some(other) = arrived.announced.filter(|announced| arrived.bytes != *announced) {
        return Err(cut_off(arrived.bytes, other));
    }
    Ok(planned.or(arrived.announced).is_some())
}

fn cut_off(got: u64, announced: u64) -> Failure {
    Failure::new(FailureKind::Network, format!("{got} bytes arrived of {announced} announced"))
}

fn prove_codecs((video, audio): &(Codec, Codec), found: &Probe) -> Result<(), Failure> {
    // A film without sound is none the worse for it.
    let sound = found.audio.as_ref().is_none_or(|found| found == audio);
    if found.video.as_ref() == Some(video) && sound {
        return Ok(());
    }
    Err(no_such_codecs(&format!("{:?} and {:?}", found.video, found.audio)))
}

fn no_such_codecs(found: &str) -> Failure {
    Failure::new(FailureKind::NoSuchFormat, format!("the file has {found}"))
}

/// The file's extension, unless it only says that nobody knows.
fn extension_of(path: &Path) -> Option<String> {
    path.extension()
        .and_then(|extension| extension.to_str())
        .filter(|ext| !ext.starts_with("unknown"))
        .map(str::to_owned)
}

fn extension_for(probe: &Probe) -> Option<String> {
    let first = probe.format.split(',').next().unwrap_or_default();
    let picture = probe.video.is_some();
    let extension = match first {
        "mov" if picture => "mp4",
        "mov" => "m4a",
        "matroska" => match (&probe.video, &probe.audio) {
            (None | Some(Codec::Vp9 | Codec::Av1), None | Some(Codec::Opus | Codec::Vorbis)) => "webm",
            (None, _) => "mka",
            _ => "mkv",
        },
        "mpegts" => "ts",
        "ogg" if probe.audio == Some(Codec::Opus) => "opus",
        "ogg" | "mp3" | "flac" | "wav" | "flv" | "avi" | "aac" => first,
        _ => return None,
    };
    Some(extension.to_owned())
}

/// The extension in the link itself, of a file that is no media.
fn extension_in_link(extraction: &Extraction) -> Option<String> {
    let link: url::Url = extraction.info.webpage_url.as_ref()?.parse().ok()?;
    let (stem, extension) = link.path_segments()?.next_back()?.rsplit_once('.')?;
    let plausible = !stem.is_empty() && (1..=5).contains(&extension.len());
    (plausible && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())).then(|| extension.to_ascii_lowercase())
}

/// The plan's name, with the real extension where the plan had none or another.
fn name(plan: &Plan, extraction: &Extraction, extension: Option<&str>) -> FileName {
    let planned = plan.file_name.as_str();
    let Some(extension) = extension else { return plan.file_name.clone() };
    let has = |extension: &str| {
        let (stem, last) = planned.rsplit_once('.').unwrap_or((planned, ""));
        (!extension.is_empty() && last.eq_ignore_ascii_case(extension)).then_some(stem)
    };
    if has(extension).is_some() {
        return plan.file_name.clone();
    }
    // Only what the planner put there may be taken off: the end of "Version 2.0" is no extension.
    let of_format = |format: &Format| format.ext.clone();
    let first = extraction.info.formats.iter().find(|format| Some(&format.format_id) == plan.formats.first());
    let put_there = match plan.container {
        Container::AsIs if plan.sound_only => FOR_SOUND.into_iter().find(|ext| has(ext).is_some()).unwrap_or("").into(),
        Container::AsIs => first.map(of_format).unwrap_or_default(),
        Container::Mp4 => "mp4".into(),
        Container::Webm => "webm".into(),
        Container::Mkv => "mkv".into(),
    };
    FileName::from_title(has(&put_there).unwrap_or(planned), extension)
}

#[cfg(test)]
mod tests;
