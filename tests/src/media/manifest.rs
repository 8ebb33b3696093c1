//! The DASH on-demand manifest: one file per stream, found by byte ranges (`SegmentBase`).
//! Manifests with a segment template are ffmpeg's own and served as they are.

use std::fmt::Write as _;

use super::Rendition;

/// An MPD that offers `streams`, each with the path from which it is served.
pub fn on_demand(streams: &[(String, &Rendition)]) -> String {
    let seconds = streams.iter().map(|(_, stream)| stream.seconds).max().unwrap_or(0);
    let mut mpd = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" \
         profiles=\"urn:mpeg:dash:profile:isoff-on-demand:2011\" type=\"static\" minBufferTime=\"PT2S\" \
         mediaPresentationDuration=\"PT{seconds}S\">\n<Period>\n"
    );
    let mut mimes: Vec<&str> = streams.iter().map(|(_, stream)| stream.mime).collect();
    mimes.dedup();
    for mime in mimes {
        let _ = writeln!(mpd, "<AdaptationSet mimeType=\"{mime}\" subsegmentAlignment=\"true\">");
        for (path, stream) in streams.iter().filter(|(_, stream)| stream.mime == mime) {
            representation(&mut mpd, path, stream);
        }
        mpd.push_str("</AdaptationSet>\n");
    }
    mpd.push_str("</Period>\n</MPD>\n");
    mpd
}

/// Writing to a `String` cannot fail, hence the ignored results.
fn representation(mpd: &mut String, path: &str, stream: &Rendition) {
    let id = path.rsplit('/').next().unwrap_or(path);
    let _ = write!(
        mpd,
        "<Representation id=\"{id}\" codecs=\"{}\" bandwidth=\"{}\"",
        stream.codecs,
        stream.bits_per_second()
    );
    if stream.height > 0 {
        let _ = write!(mpd, " width=\"{}\" height=\"{}\"", stream.width(), stream.height);
    } else {
        mpd.push_str(" audioSamplingRate=\"48000\"");
    }
    // The ranges of a manifest include their last byte.
    let _ = writeln!(
        mpd,
        "><BaseURL>{path}</BaseURL><SegmentBase indexRange=\"{}-{}\"><Initialization range=\"0-{}\"/></SegmentBase></Representation>",
        stream.index.start,
        stream.index.end - 1,
        stream.header.end - 1,
    );
}
