//! JSON as Python writes it: a half of a surrogate pair, which some sites leave at the end of a title that they cut, is no Unicode.

use serde::de::DeserializeOwned;

/// Reads JSON; halves of surrogate pairs become question marks.
pub(super) fn read<T: DeserializeOwned>(json: &mut [u8]) -> serde_json::Result<T> {
    mend(json);
    serde_json::from_slice(json)
}

fn mend(json: &mut [u8]) {
    let mut at = 0;
    while let Some(found) = json[at..].iter().position(|byte| *byte == b'\\') {
        at += found;
        at += match (unit(json, at), unit(json, at + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(0xD800..=0xDFFF), _) => {
                json[at..at + 6].copy_from_slice(b"\\u003f");
                6
            }
            // Whatever else is escaped, a backslash among it, does not begin an escape itself.
            _ => 2,
        };
        at = at.min(json.len());
    }
}

/// The code unit of the `\uXXXX` that begins here.
fn unit(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit: u16, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(json: &str, want: &str) {
        assert_eq!(read::<String>(&mut json.as_bytes().to_vec()).unwrap(), want, "{json}");
    }

    #[test]
    fn halves_become_question_marks() {
        check(r#""half \ud83d""#, "half ?");
        check(r#""\ude00\ud83dx""#, "??x");
        check(r#""\ud83d\ud83d\ude00""#, "?😀");
        check(r#""\ud83d\ude00 é \u00e9""#, "😀 é é");
        check(r#""\\ud83d \\\ud83d""#, r"\ud83d \?");
    }

    proptest! {
        #[test]
        fn whatever_is_json_stays_what_it_is(text in any::<String>(), bytes in any::<Vec<u8>>()) {
            let mut json = serde_json::to_vec(&text).unwrap();
            prop_assert_eq!(read::<String>(&mut json).unwrap(), text);
            mend(&mut bytes.clone());
        }
    }
}
