//! File names that Dropbox, Windows, macOS and Linux all accept, made from whatever a site calls its video.
//!
//! Sources: Dropbox help, "Characters and file names that don't sync" (forbidden characters and names, 255 characters a name);
//! Microsoft, "Naming Files, Paths, and Namespaces" (reserved device names, trailing dots and spaces).

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

/// The longest name in UTF-16 code units, which is what Dropbox counts.
const MAX_UNITS: usize = 255;
/// Room kept for a suffix such as " (12)".
const SUFFIX_UNITS: usize = 8;
/// Names that Windows reserves, with any extension.
const RESERVED: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "lpt1", "lpt2",
    "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];
/// Names that Dropbox refuses (`disallowed_name`).
const DISALLOWED: [&str; 6] = ["desktop.ini", "thumbs.db", ".ds_store", "icon", ".dropbox", ".dropbox.attr"];

/// One component of a path: NFC, 1 to 255 UTF-16 units, nothing that a file system or Dropbox refuses.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(String);

/// A text that cannot be used as a name as it is.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("this name contains characters that Dropbox does not accept")]
pub struct BadFileName;

impl FileName {
    /// A name from a title and an extension (without its dot; empty for none). Always succeeds: what cannot stay is replaced by what looks alike.
    #[must_use]
    pub fn from_title(title: &str, extension: &str) -> Self {
        let extension: String = extension.chars().filter(char::is_ascii_alphanumeric).take(10).collect();
        let suffix = if extension.is_empty() { String::new() } else { format!(".{extension}") };
        let room = MAX_UNITS - SUFFIX_UNITS - suffix.len();
        let mut stem = shorten(&clean(title), room);
        if stem.is_empty() {
            "video".clone_into(&mut stem);
        }
        if is_reserved(&stem) || is_reserved(&format!("{stem}{suffix}")) {
            stem.insert(0, '_');
        }
        Self(format!("{stem}{suffix}"))
    }

    /// The same name with a number before its extension: "clip (2).mp4". There is always room for it.
    #[must_use]
    pub fn numbered(&self, number: u32) -> Self {
        let (stem, extension) = self.split();
        let dot = if extension.is_empty() { "" } else { "." };
        let tail = format!(" ({number}){dot}{extension}");
        Self(format!("{}{tail}", shorten(stem, MAX_UNITS - units(&tail))))
    }

    /// The same name without what some Dropbox accounts refuse: characters beyond the Basic Multilingual Plane (emoji), and all but
    /// letters, digits and plain punctuation.
    #[must_use]
    pub fn plain(&self) -> Self {
        let (stem, extension) = self.split();
        let keep = |c: char| c.is_alphanumeric() && u32::from(c) < 0x1_0000 || " ()[]-_,.'&+".contains(c);
        Self::from_title(&stem.chars().map(|c| if keep(c) { c } else { '_' }).collect::<String>(), extension)
    }

    /// Stem and extension.
    fn split(&self) -> (&str, &str) {
        match self.0.rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() && extension.len() <= 10 => (stem, extension),
            _ => (&self.0, ""),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What stays of a title: NFC, one line, no path, no forbidden or invisible characters, no emoji.
fn clean(title: &str) -> String {
    // Work is bounded whatever the site sends.
    let chars = title.chars().take(4 * MAX_UNITS).nfc();
    let mut out = String::new();
    for c in chars {
        let c = match c {
            // Look-alikes that every system accepts, so that "AC/DC: live?" stays readable.
            '/' | '\\' | '|' => '-',
            ':' => '\u{A789}',
            '?' => '\u{FF1F}',
            '*' => '\u{FF0A}',
            '"' => '\'',
            '<' => '(',
            '>' => ')',
            c if c.is_whitespace() => ' ',
            // Direction overrides can make "gpj.exe" of a name; zero-width marks make twins. Emoji are refused by some accounts.
            c if c.is_control() || is_invisible(c) || u32::from(c) > 0xFFFF => continue,
            c => c,
        };
        if c == ' ' && out.ends_with(' ') {
            continue;
        }
        out.push(c);
    }
    // Once more: what was left out stood between marks that belong together.
    trim(&out).nfc().collect()
}

/// Leading dots hide a file, trailing dots and spaces do not survive Windows.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '.'])
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{00AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF0}'..='\u{FFFF}' | '\u{E000}'..='\u{F8FF}')
}

fn is_reserved(name: &str) -> bool {
    let lower = name.to_lowercase();
    let stem = lower.split('.').next().unwrap_or_default().trim_end();
    RESERVED.contains(&stem) || DISALLOWED.contains(&lower.as_str())
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// At most `room` UTF-16 units, cut between characters.
fn shorten(text: &str, room: usize) -> String {
    let mut used = 0;
    let fits = text.chars().take_while(|c| {
        used += c.len_utf16();
        used <= room
    });
    trim(&fits.collect::<String>()).to_owned()
}

impl TryFrom<String> for FileName {
    type Error = BadFileName;

    fn try_from(text: String) -> Result<Self, BadFileName> {
        let bad = |c: char| c.is_control() || is_invisible(c) || "/\\:?*\"<>|".contains(c);
        let ok = !text.is_empty()
            && units(&text) <= MAX_UNITS
            && !text.chars().any(bad)
            && trim(&text) == text
            // A space of another kind at an end would be gone when the folder is read again.
            && text.trim() == text
            && !is_reserved(&text);
        if ok { Ok(Self(text.nfc().collect())) } else { Err(BadFileName) }
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(title: &str, want: &str) {
        assert_eq!(FileName::from_title(title, "mp4").as_str(), want, "{title:?}");
    }

    #[test]
    fn titles_become_names() {
        check("Sintel (trailer)", "Sintel (trailer).mp4");
        check("AC/DC: live?", "AC-DC\u{A789} live\u{FF1F}.mp4");
        check("../../etc/passwd", "-..-etc-passwd.mp4");
        check("..", "video.mp4");
        check("", "video.mp4");
        check("🎬", "video.mp4");
        check("movie 🎬 night", "movie night.mp4");
        check("CON", "_CON.mp4");
        check("aux.tar", "_aux.tar.mp4");
        check("\u{202E}gpj.exe", "gpj.exe.mp4");
        check("שלום עולם", "שלום עולם.mp4");
        check("e\u{301}te\u{301}", "été.mp4");
        check("\u{135D}\u{105BB}\u{ACD}", "\u{ACD}\u{135D}.mp4");
        check("trailing dots... ", "trailing dots.mp4");
        check("line\r\nbreak\tand\0nul", "line break andnul.mp4");
        assert_eq!(FileName::from_title("desktop", "ini").as_str(), "_desktop.ini");
        assert_eq!(FileName::from_title("a", "m/p4").as_str(), "a.mp4");
    }

    #[test]
    fn a_name_can_be_numbered_and_made_plain() {
        let long = FileName::from_title(&"x".repeat(300), "mp4");
        assert_eq!(units(long.as_str()), MAX_UNITS - SUFFIX_UNITS);
        assert_eq!(units(long.numbered(12_345).as_str()), MAX_UNITS - SUFFIX_UNITS + 8);
        assert_eq!(FileName::from_title("clip", "mp4").numbered(2).as_str(), "clip (2).mp4");
        assert_eq!(FileName::from_title("a: b", "mp4").plain().as_str(), "a_ b.mp4");
    }

    proptest! {
        #[test]
        fn every_title_becomes_a_legal_name(title in "\\PC{0,400}|[\\x00-\\x7f]{0,300}|.{0,300}", number in 2u32..99_999) {
            for name in [FileName::from_title(&title, "webm"), FileName::from_title(&title, "mp4").numbered(number), FileName::from_title(&title, "mp4").plain()] {
                prop_assert_eq!(FileName::try_from(name.as_str().to_owned()), Ok(name.clone()), "{:?}", name);
            }
        }
    }
}
