//! What yt-dlp is told to make of a plan.

use sluice_domain::{Failure, Plan, Protocol, plan::Container};

use crate::order::choose;

/// An order for yt-dlp.
#[derive(Debug)]
pub(super) struct Order {
    /// The info JSON to load.
    pub(super) info_json: String,
    /// Which formats, in yt-dlp's selector language.
    pub(super) formats: &'static str,
    /// What is done to the result.
    pub(super) options: Vec<&'static str>,
    /// What is fetched is one file of the site.
    pub(super) one_file: bool,
    /// Only a part of what is fetched will be the result.
    pub(super) in_part: bool,
    /// The result is that file, byte for byte.
    pub(super) verbatim: bool,
}

impl Order {
    pub(super) fn new(plan: &Plan, info_json: &str) -> Result<Self, Failure> {
        let chosen = choose(info_json, &plan.formats)?;
        let one_file = matches!(chosen.protocols[..], [Protocol::Http]) && plan.container == Container::AsIs;
        let options = options(plan, one_file);
        let (info_json, formats) = (chosen.info_json, chosen.selector);
        let in_part = plan.sound_only;
        Ok(Self { info_json, formats, options, one_file, in_part, verbatim: one_file && !in_part })
    }

    /// The disk space that the plan is known to need, in bytes: everything but a verbatim file lies there twice for a while.
    pub(super) fn disk_needed(&self, plan: &Plan) -> u64 {
        let bytes = plan.length.bytes().unwrap_or(0);
        if self.verbatim { bytes } else { bytes.saturating_mul(2) }
    }
}

fn options(plan: &Plan, one_file: bool) -> Vec<&'static str> {
    let container = match plan.container {
        Container::AsIs => None,
        Container::Mp4 => Some("mp4"),
        Container::Webm => Some("webm"),
        Container::Mkv => Some("mkv"),
    };
    let mut options = match container {
        Some(container) if plan.formats.len() > 1 => vec!["--merge-output-format", container],
        Some(container) => vec!["--remux-video", container],
        None => Vec::new(),
    };
    if one_file || plan.sound_only {
        // yt-dlp would rewrite some containers that play well enough, or of which only the sound is wanted.
        options.extend(["--fixup", "never"]);
    }
    options
}

#[cfg(test)]
mod tests;
