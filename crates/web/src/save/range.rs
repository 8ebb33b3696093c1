//! Which bytes a request asks for: one range, as RFC 9110, section 14, has it.

use std::ops::Range;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Everything.
    Whole,
    /// These bytes, at least one.
    Part(Range<u64>),
    /// Bytes that there are not.
    Beyond,
}

/// Reads `Range` and `If-Range` of a request for a file of `total` bytes that is known by `etag`.
///
/// Several ranges, other units and what cannot be read count as no wish at all, as they may (section 14.2): then everything comes.
pub(crate) fn asked(range: Option<&str>, if_range: Option<&str>, etag: &str, total: u64) -> Asked {
    // A date never vouches here, for there is no `Last-Modified`; a weak tag never does (section 13.1.5).
    let (Some(range), true) = (range, if_range.is_none_or(|known| known.trim() == etag)) else { return Asked::Whole };
    let Some((unit, wish)) = range.split_once('=') else { return Asked::Whole };
    let Some((first, last)) = wish.trim().split_once('-').filter(|_| unit.trim().eq_ignore_ascii_case("bytes")) else {
        return Asked::Whole;
    };
    match (number(first), number(last)) {
        (Some(None), Some(Some(length))) => part(total.saturating_sub(length)..total),
        (Some(Some(first)), Some(None)) => part(first..total),
        (Some(Some(first)), Some(Some(last))) if first <= last => part(first..total.min(last.saturating_add(1))),
        _ => Asked::Whole,
    }
}

fn part(range: Range<u64>) -> Asked {
    if range.is_empty() { Asked::Beyond } else { Asked::Part(range) }
}

/// Digits; `Some(None)` where there are none, `None` where it is no number. One that is too large is past every end.
#[expect(clippy::option_option, reason = "nothing, and nothing that can be read, are two things here")]
fn number(text: &str) -> Option<Option<u64>> {
    let text = text.trim();
    match text {
        "" => Some(None),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(Some(digits.parse().unwrap_or(u64::MAX))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(range: &str, want: &Asked) {
        assert_eq!(&asked(Some(range), None, "\"tag\"", 100), want, "{range}");
    }

    #[test]
    fn one_range_is_understood() {
        check("bytes=0-0", &Asked::Part(0..1));
        check("bytes=0-", &Asked::Part(0..100));
        check("Bytes = 10-19", &Asked::Part(10..20));
        check("bytes=90-1000", &Asked::Part(90..100));
        check("bytes=99-18446744073709551615", &Asked::Part(99..100));
        check("bytes=-1", &Asked::Part(99..100));
        check("bytes=-500", &Asked::Part(0..100));
    }

    #[test]
    fn bytes_that_there_are_not_are_beyond() {
        check("bytes=100-", &Asked::Beyond);
        check("bytes=100-200", &Asked::Beyond);
        check("bytes=99999999999999999999999-", &Asked::Beyond);
        check("bytes=-0", &Asked::Beyond);
        assert_eq!(asked(Some("bytes=0-"), None, "\"tag\"", 0), Asked::Beyond);
    }

    #[test]
    fn what_is_no_single_range_is_no_wish() {
        for range in
            ["", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-", "bytes=0-1,5-6", "lines=0-1", "bytes=+1-2"]
        {
            check(range, &Asked::Whole);
        }
        assert_eq!(asked(None, None, "\"tag\"", 100), Asked::Whole);
    }

    #[test]
    fn another_file_comes_whole() {
        let known = |if_range| asked(Some("bytes=5-"), Some(if_range), "\"tag\"", 100);
        assert_eq!(known("\"tag\""), Asked::Part(5..100));
        for other in ["\"gat\"", "W/\"tag\"", "tag", "Sat, 28 Nov 2026 12:00:00 GMT", ""] {
            assert_eq!(known(other), Asked::Whole, "{other}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_part_is_always_within_the_file(range in "(bytes=)?[0-9,a-]{0,12}", total in 0_u64..200) {
            if let Asked::Part(part) = asked(Some(&range), None, "\"tag\"", total) {
                proptest::prop_assert!(part.start < part.end && part.end <= total, "{part:?} of {total}");
            }
        }
    }
}
