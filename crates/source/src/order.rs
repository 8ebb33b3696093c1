//! Which formats yt-dlp is told to fetch.
//!
//! The info JSON that it loads has the chosen formats and no others, under ids of our own: an id of the site could mean something else
//! in yt-dlp's selector language. It has no page address either, or yt-dlp would extract again, by itself, when a download fails. And it does
//! not say how large a piece to ask for: yt-dlp would ask piece by piece without seeing to it that all are of one file.

use serde_json::{Map, Value};
use sluice_domain::{Failure, Protocol};

/// What else yt-dlp has no use for here.
const LEFT_OUT: [&str; 5] = ["webpage_url", "original_url", "subtitles", "thumbnail", "thumbnails"];
/// Of a format.
const PIECES: &str = "downloader_options";

/// One format or two, chosen out of an info JSON.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// The info JSON to load.
    pub(crate) info_json: String,
    /// Which formats, in yt-dlp's selector language.
    pub(crate) selector: &'static str,
    /// How each is fetched.
    pub(crate) protocols: Vec<Protocol>,
}

/// Chooses these formats, picture first.
///
/// # Errors
/// When one of them is not there, or there are more than two.
pub(crate) fn choose(info_json: &str, formats: &[String]) -> Result<Chosen, Failure> {
    let broken = |error: serde_json::Error| Failure::internal(format!("info JSON: {error}"));
    let mut info: Map<String, Value> = serde_json::from_str(info_json).map_err(broken)?;
    for key in LEFT_OUT {
        info.remove(key);
    }
    let (selector, protocols) = select(&mut info, formats)?;
    let info_json = serde_json::to_string(&info).map_err(broken)?;
    Ok(Chosen { info_json, selector, protocols })
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
        info.remove(PIECES);
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
        format.remove(PIECES);
        kept.push(Value::Object(format));
    }
    info.insert("formats".into(), kept.into());
    Ok((selector, protocols))
}
