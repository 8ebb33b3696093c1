//! What a file is called and what it is, in headers.

use std::fmt::Write as _;

use sluice_domain::FileName;

/// `Content-Disposition` (RFC 6266): the name in full as RFC 8187 has it, and what is left of it in ASCII before that, for whoever knows only
/// the old way.
pub(crate) fn disposition(play: bool, name: &FileName) -> String {
    let kind = if play { "inline" } else { "attachment" };
    // A percent sign would be decoded by some and not by others; quotes and backslashes by nobody alike.
    let plain = |char: char| match char {
        '"' | '\\' | '%' => '_',
        ' '..='~' => char,
        _ => '_',
    };
    let ascii: String = name.as_str().chars().map(plain).collect();
    let mut full = String::new();
    for byte in name.as_str().bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            full.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(full, "%{byte:02X}");
        }
    }
    format!("{kind}; filename=\"{ascii}\"; filename*=UTF-8''{full}")
}

/// The media type of a file, by its extension. Only pictures and sounds have one: nothing that a browser would run or show as a page.
pub(crate) fn media_type(name: &FileName) -> &'static str {
    let extension = name.as_str().rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension.to_ascii_lowercase().as_str() {
        "mp4" | "m4v" => "video/mp4",
        "webm" => "video/webm",
        "mkv" => "video/x-matroska",
        "mov" => "video/quicktime",
        "ts" => "video/mp2t",
        "avi" => "video/x-msvideo",
        "m4a" => "audio/mp4",
        "mp3" => "audio/mpeg",
        "aac" => "audio/aac",
        "ogg" | "oga" | "opus" => "audio/ogg",
        "flac" => "audio/flac",
        "wav" => "audio/wav",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(title: &str) -> FileName {
        FileName::from_title(title, "mp4")
    }

    #[test]
    fn a_name_comes_in_full_and_in_plain() {
        let check =
            |title: &str, want: &str| assert_eq!(disposition(false, &name(title)), format!("attachment; {want}"));
        check("Film (1)", "filename=\"Film (1).mp4\"; filename*=UTF-8''Film%20%281%29.mp4");
        check("Größe 100 %", "filename=\"Gr__e 100 _.mp4\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20100%20%25.mp4");
        check("映画", "filename=\"__.mp4\"; filename*=UTF-8''%E6%98%A0%E7%94%BB.mp4");
        check("a'b;c", "filename=\"a'b;c.mp4\"; filename*=UTF-8''a%27b%3Bc.mp4");
        assert!(disposition(true, &name("Film")).starts_with("inline; "));
    }

    proptest::proptest! {
        #[test]
        fn whatever_a_site_calls_it_nothing_leaves_the_header(title in ".{0,60}") {
            let header = disposition(false, &name(&title));
            proptest::prop_assert!(header.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{header}");
            proptest::prop_assert_eq!(header.matches('"').count(), 2);
        }
    }

    #[test]
    fn what_is_no_media_is_nothing_in_particular() {
        let of = |extension: &str| media_type(&FileName::from_title("a", extension));
        assert_eq!((of("MP4"), of("opus"), of("mkv")), ("video/mp4", "audio/ogg", "video/x-matroska"));
        for other in ["html", "svg", "js", "pdf", ""] {
            assert_eq!(of(other), "application/octet-stream");
        }
    }
}
