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
    /// The result is one file of the site, byte for byte.
    pub(super) verbatim: bool,
}

impl Order {
    pub(super) fn new(plan: &Plan, info_json: &str) -> Result<Self, Failure> {
        let chosen = choose(info_json, &plan.formats)?;
        let verbatim =
            matches!(chosen.protocols[..], [Protocol::Http]) && plan.container == Container::AsIs && !plan.sound_only;
        let options = options(plan, verbatim);
        Ok(Self { info_json: chosen.info_json, formats: chosen.selector, options, verbatim })
    }

    /// The disk space that the plan is known to need, in bytes: everything but a verbatim file lies there twice for a while.
    pub(super) fn disk_needed(&self, plan: &Plan) -> u64 {
        let bytes = plan.length.bytes().unwrap_or(0);
        if self.verbatim { bytes } else { bytes.saturating_mul(2) }
    }
}

fn options(plan: &Plan, verbatim: bool) -> Vec<&'static str> {
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
    if plan.sound_only {
        options.push("--extract-audio");
    }
    if verbatim {
        // yt-dlp would rewrite some containers that play well enough.
        options.extend(["--fixup", "never"]);
    }
    options
}

#[cfg(test)]
mod tests;
