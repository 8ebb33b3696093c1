//! What yt-dlp is told to make of a plan.
//!
//! The info JSON that it loads has the plan's formats and no others, under ids of our own: an id of the site could mean something else
//! in yt-dlp's selector language. It has no page address either, or yt-dlp would extract again, by itself, when a download fails.

use serde_json::{Map, Value};
use sluice_domain::{Failure, Plan, Protocol, plan::Container};

/// What else yt-dlp has no use for here.
const LEFT_OUT: [&str; 4] = ["webpage_url", "original_url", "subtitles", "thumbnail"];

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
        let broken = |error: serde_json::Error| Failure::internal(format!("info JSON: {error}"));
        let mut info: Map<String, Value> = serde_json::from_str(info_json).map_err(broken)?;
        for key in LEFT_OUT {
            info.remove(key);
        }
        let (formats, protocols) = select(&mut info, &plan.formats)?;
        let verbatim =
            matches!(protocols[..], [Protocol::Http]) && plan.container == Container::AsIs && !plan.sound_only;
        let info_json = serde_json::to_string(&info).map_err(broken)?;
        Ok(Self { info_json, formats, options: options(plan, verbatim), verbatim })
    }

    /// The disk space that the plan is known to need, in bytes: everything but a verbatim file lies there twice for a while.
    pub(super) fn disk_needed(&self, plan: &Plan) -> u64 {
        let bytes = plan.length.bytes().unwrap_or(0);
        if self.verbatim { bytes } else { bytes.saturating_mul(2) }
    }
}

/// Leaves the chosen formats alone in the info, renamed; gives the selector and how each is fetched.
fn select(info: &mut Map<String, Value>, chosen: &[String]) -> Result<(&'static str, Vec<Protocol>), Failure> {
    const NAMES: [&str; 2] = ["p0", "p1"];
    let selector = match chosen {
        [_] => "p0",
        [_, _] => "p0+p1",
        _ => return Err(Failure::internal(format!("a plan of {} formats", chosen.len()))),
    };
    let missing = |id: &str| Failure::internal(format!("the plan's format {id} is not in the info JSON"));
    let has_id = |format: &Map<String, Value>, id: &str| format.get("format_id").and_then(Value::as_str) == Some(id);
    let protocol = |format: &Map<String, Value>| Protocol::from_yt_dlp(format.get("protocol").and_then(Value::as_str));

    let Some(Value::Array(all)) = info.get("formats") else {
        // A piece with a single format is that format itself.
        if !has_id(info, &chosen[0]) {
            return Err(missing(&chosen[0]));
        }
        info.insert("format_id".into(), NAMES[0].into());
        return Ok((selector, vec![protocol(info)]));
    };
    let mut kept = Vec::new();
    let mut protocols = Vec::new();
    for (id, name) in chosen.iter().zip(NAMES) {
        let format =
            all.iter().filter_map(Value::as_object).find(|format| has_id(format, id)).ok_or_else(|| missing(id))?;
        protocols.push(protocol(format));
        let mut format = format.clone();
        format.insert("format_id".into(), name.into());
        kept.push(Value::Object(format));
    }
    info.insert("formats".into(), kept.into());
    Ok((selector, protocols))
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
