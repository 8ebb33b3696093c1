//! Any text as a title, a folder, a link, a size and a rate: what is accepted is what it promises to be, again and again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_domain::{ByteSize, FileName, Folder, RateLimit, SourceUrl};

/// The longest name that Dropbox takes, in UTF-16 units.
const MAX_NAME_UNITS: usize = 255;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    for name in [
        FileName::from_title(&text, "mp4"),
        FileName::from_title(&text, "webm").numbered(u32::from(data.first().copied().unwrap_or(0)) + 2),
        FileName::from_title(&text, "m4a").plain(),
    ] {
        let shown = name.as_str();
        assert!(!shown.is_empty() && shown.encode_utf16().count() <= MAX_NAME_UNITS, "{shown:?}");
        assert!(!shown.contains(['/', '\\', '\0']) && !shown.chars().any(char::is_control), "{shown:?}");
        assert!(shown != "." && shown != "..", "{shown:?}");
        assert_eq!(FileName::try_from(shown.to_owned()), Ok(name.clone()));
    }
    if let Ok(folder) = text.parse::<Folder>() {
        let shown = folder.to_string();
        assert!(shown.starts_with('/'), "{shown:?}");
        assert!(shown.split('/').all(|part| part != "." && part != ".."), "{shown:?}");
        assert_eq!(shown.parse::<Folder>(), Ok(folder.clone()));
        let path = folder.join(FileName::from_title("x", "mp4")).to_string();
        assert!(path.starts_with(&shown) && path.ends_with("x.mp4"), "{path:?}");
    }
    if let Ok(link) = text.parse::<SourceUrl>() {
        assert!(link.as_str().starts_with("http://") || link.as_str().starts_with("https://"), "{link}");
        assert!(!link.as_str().contains(char::is_whitespace), "{link}");
        assert_eq!(link.as_str().parse::<SourceUrl>(), Ok(link.clone()), "{link}");
        let shown: SourceUrl = link.shown().parse().expect("what is shown is a link");
        assert!(!shown.has_credentials(), "{shown}");
        assert_eq!(shown.site(), link.site());
        assert!(!link.redacted().contains(['?', '#']), "{}", link.redacted());
    }
    let _size = text.parse::<ByteSize>();
    if let Ok(rate) = text.parse::<RateLimit>() {
        assert_eq!(rate.to_string().parse(), Ok(rate));
    }
});
