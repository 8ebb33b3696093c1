//! The `Dropbox-API-Arg` header: JSON in ASCII.
//!
//! The SDK writes characters beyond U+FFFF with five hex digits, which JSON reads as another character and a digit: a file named with an
//! emoji would get another name. So the header is made here, with surrogate pairs, and the SDK's own is dropped.

use http::HeaderValue;
use serde::Serialize;
use sluice_domain::Failure;

/// The header for this argument.
pub(crate) fn header<A: Serialize>(argument: &A) -> Result<HeaderValue, Failure> {
    let json = serde_json::to_string(argument).map_err(|error| Failure::internal(format!("argument: {error}")))?;
    HeaderValue::try_from(ascii_json(&json)).map_err(|error| Failure::internal(format!("argument: {error}")))
}

/// The same JSON with U+007F and everything beyond ASCII as `\uXXXX`. Below U+0020 nothing is left to do: JSON text has none.
fn ascii_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut units = [0; 2];
    for c in json.chars() {
        if (' '..'\u{7f}').contains(&c) {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &str) {
        let value = header(&text).unwrap();
        let header = value.to_str().unwrap();
        assert_eq!(header, want);
        assert_eq!(serde_json::from_str::<String>(header).unwrap(), text);
    }

    #[test]
    fn every_character_survives() {
        check("/plain.mp4", r#""/plain.mp4""#);
        check("a\"b\\c", r#""a\"b\\c""#);
        check("tab\tnew\n", r#""tab\tnew\n""#);
        check("é", r#""\u00e9""#);
        check("\u{7f}", r#""\u007f""#);
        check("日本", r#""\u65e5\u672c""#);
        check("\u{ffff}", r#""\uffff""#);
        check("\u{10000}", r#""\ud800\udc00""#);
        check("/movie 🎬.mp4", r#""/movie \ud83c\udfac.mp4""#);
        check("👨‍👩‍👧", r#""\ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67""#);
    }
}
