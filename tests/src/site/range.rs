//! The `Range` header, as far as media clients use it: one range of bytes.

use std::ops::Range;

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// Everything: there is no range, or one that a server may ignore (several ranges, another unit, nonsense).
    All,
    /// These bytes, inside the content and not empty.
    Part(Range<u64>),
    /// A range that starts behind the end.
    Beyond,
}

/// Reads a `Range` header for content of `length` bytes.
pub(super) fn asked(header: Option<&str>, length: u64) -> Asked {
    let Some((first, last)) = header.and_then(|text| text.strip_prefix("bytes=")).and_then(|text| text.split_once('-'))
    else {
        return Asked::All;
    };
    let range = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(length),
        (Ok(first), Err(_)) if last.trim().is_empty() => first..length,
        (Err(_), Ok(count)) if first.trim().is_empty() => length.saturating_sub(count)..length,
        _ => return Asked::All,
    };
    if range.start < range.end { Asked::Part(range) } else { Asked::Beyond }
}

/// Where a range ends, if it says so.
pub(super) fn end_of(header: Option<&str>) -> Option<u64> {
    match asked(header, u64::MAX) {
        Asked::Part(part) => Some(part.end).filter(|end| *end < u64::MAX),
        Asked::All | Asked::Beyond => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let check = |header: &str, expected: Asked| assert_eq!(asked(Some(header), 100), expected, "{header}");
        assert_eq!(asked(None, 100), Asked::All);
        check("bytes=0-0", Asked::Part(0..1));
        check("bytes=10-", Asked::Part(10..100));
        check("bytes=10-500", Asked::Part(10..100));
        check("bytes=-30", Asked::Part(70..100));
        check("bytes=-300", Asked::Part(0..100));
        check("bytes=99-99", Asked::Part(99..100));
        check("bytes=100-", Asked::Beyond);
        check("bytes=-0", Asked::Beyond);
        check("bytes=9-3", Asked::All);
        check("bytes=0-1,5-6", Asked::All);
        check("chapters=1-2", Asked::All);
        check("bytes=a-b", Asked::All);
    }
}
