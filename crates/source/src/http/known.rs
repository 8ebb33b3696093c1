//! What a file on the web is known by, and whether an answer still speaks of the same one.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_RANGE, DATE, ETAG, LAST_MODIFIED},
};
use jiff::{Timestamp, fmt::rfc2822};
use sha2::{Digest, Sha256};

/// The longest validator that is kept, in bytes.
const MAX_VALIDATOR_BYTES: usize = 512;

/// A file that is served in ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) total: u64,
    pub(super) validator: Option<Validator>,
}

/// What changes whenever a byte changes, and so may stand in `If-Range` (RFC 9110, section 13.1.5).
///
/// A strong `ETag` does (section 8.8.3). A weak one says nothing about bytes (8.8.1) and is as good as none; a `Last-Modified` beside it counts
/// when the server's own clock shows that it is strong: at least a second older than the answer's `Date` (8.8.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Validator {
    ETag(HeaderValue),
    LastModified(HeaderValue),
}

impl Validator {
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let short = |name: HeaderName| headers.get(name).filter(|value| value.len() <= MAX_VALIDATOR_BYTES);
        let strong = |etag: &&HeaderValue| {
            etag.len() >= 2 && etag.as_bytes().starts_with(b"\"") && etag.as_bytes().ends_with(b"\"")
        };
        if let Some(etag) = short(ETAG).filter(strong) {
            return Some(Self::ETag(etag.clone()));
        }
        let modified = short(LAST_MODIFIED)?;
        (seconds(modified)? < seconds(short(DATE)?)?).then(|| Self::LastModified(modified.clone()))
    }

    /// As it stands in `If-Range`.
    pub(super) fn value(&self) -> &HeaderValue {
        match self {
            Self::ETag(value) | Self::LastModified(value) => value,
        }
    }

    /// Does the answer name another one? It need not name one at all: `If-Range` has vouched then.
    fn differs(&self, headers: &HeaderMap) -> bool {
        let said = match self {
            Self::ETag(_) => headers.get(ETAG),
            Self::LastModified(_) => headers.get(LAST_MODIFIED),
        };
        said.is_some_and(|said| said != self.value())
    }
}

fn seconds(value: &HeaderValue) -> Option<i64> {
    let date = rfc2822::parse(value.to_str().ok()?).ok()?;
    Some(date.timestamp().as_second())
}

/// The seconds from the answer's own clock, or ours, to a date in a header.
pub(super) fn seconds_until(value: &HeaderValue, headers: &HeaderMap) -> Option<u64> {
    let now = headers.get(DATE).and_then(seconds).unwrap_or_else(|| Timestamp::now().as_second());
    u64::try_from(seconds(value)? - now).ok()
}

impl Known {
    /// Hex SHA-256 over the format's id, the total and the validator; `None` without one.
    pub(super) fn fingerprint(&self, format_id: &str) -> Option<String> {
        let validator = self.validator.as_ref()?;
        Some(fingerprint(format_id, std::iter::once((self.total, validator))))
    }

    /// Is this part the wanted one, of the same file?
    ///
    /// # Errors
    /// What is different, for the operator.
    pub(super) fn check(&self, headers: &HeaderMap, from: u64) -> Result<Part, Mismatch> {
        let part = Part::of(headers).ok_or(Mismatch::Answer("no usable Content-Range"))?;
        if part.total != Some(self.total) {
            return Err(Mismatch::Changed("its length"));
        }
        if part.first != from {
            return Err(Mismatch::Answer("another range than asked for"));
        }
        if self.validator.as_ref().is_some_and(|validator| validator.differs(headers)) {
            return Err(Mismatch::Changed("its validator"));
        }
        Ok(part)
    }
}

/// Hex SHA-256 over all parts, each with its own length before it, so that no two lists look alike.
pub(super) fn fingerprint<'v>(format_id: &str, parts: impl Iterator<Item = (u64, &'v Validator)>) -> String {
    let mut hash = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    add(format_id.as_bytes());
    for (total, validator) in parts {
        add(&total.to_be_bytes());
        add(validator.value().as_bytes());
    }
    hex::encode(hash.finalize())
}

/// Why an answer cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mismatch {
    /// The file is no longer the same.
    Changed(&'static str),
    /// The server does not do what it was asked for.
    Answer(&'static str),
}

/// What `Content-Range` says (RFC 9110, section 14.4).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) first: u64,
    /// Inclusive.
    pub(super) last: u64,
    pub(super) total: Option<u64>,
}

impl Part {
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut all = headers.get_all(CONTENT_RANGE).iter();
        let (value, None) = (all.next()?.to_str().ok()?, all.next()) else { return None };
        let (unit, range) = value.trim().split_once(' ')?;
        let (range, total) = range.trim().split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let part = Self { first: number(first)?, last: number(last)?, total: total_of(total)? };
        let fits = part.first <= part.last && part.last < part.total.unwrap_or(u64::MAX);
        (unit.eq_ignore_ascii_case("bytes") && fits).then_some(part)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.last - self.first + 1
    }
}

fn total_of(text: &str) -> Option<Option<u64>> {
    if text == "*" { Some(None) } else { number(text).map(Some) }
}

/// Digits alone: `parse` would take a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_what_vouches_for_bytes_is_a_validator() {
        const OLD: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
        const NOW: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        let check = |pairs: &[(&'static str, &str)], want: Option<&str>| {
            let validator = Validator::of(&headers(pairs));
            assert_eq!(validator.as_ref().map(|validator| validator.value().to_str().unwrap()), want, "{pairs:?}");
        };
        check(&[("etag", "\"a\"")], Some("\"a\""));
        check(&[("etag", "W/\"a\"")], None);
        check(&[("etag", "\"")], None);
        check(&[("etag", "W/\"a\""), ("last-modified", OLD), ("date", NOW)], Some(OLD));
        check(&[("last-modified", NOW), ("date", NOW)], None);
        check(&[("last-modified", OLD)], None);
        check(&[("last-modified", "yesterday"), ("date", NOW)], None);
        check(&[("etag", &format!("\"{}\"", "x".repeat(600)))], None);
    }

    #[test]
    fn content_range_is_read_strictly() {
        let check = |text: &str, want: Option<(u64, u64, Option<u64>)>| {
            let part = Part::of(&headers(&[("content-range", text)]));
            assert_eq!(part.map(|part| (part.first, part.last, part.total)), want, "{text}");
        };
        check("bytes 0-0/5", Some((0, 0, Some(5))));
        check("Bytes 2-4/*", Some((2, 4, None)));
        for wrong in [
            "bytes 0-5/5",
            "bytes 3-2/5",
            "bytes */5",
            "items 0-0/5",
            "bytes 0-0",
            "bytes +0-0/5",
            "0-0/5",
            "bytes -/5",
        ] {
            check(wrong, None);
        }
        assert_eq!(Part::of(&headers(&[("content-range", "bytes 0-0/5"), ("content-range", "bytes 0-0/5")])), None);
    }

    #[test]
    fn another_file_is_noticed() {
        let known = Known { total: 9, validator: Some(Validator::ETag("\"a\"".parse().unwrap())) };
        let check = |pairs: &[(&'static str, &str)]| known.check(&headers(pairs), 3).map(|part| part.bytes());
        assert_eq!(check(&[("content-range", "bytes 3-8/9"), ("etag", "\"a\"")]), Ok(6));
        assert_eq!(check(&[("content-range", "bytes 3-8/9")]), Ok(6));
        assert!(matches!(check(&[("content-range", "bytes 3-8/9"), ("etag", "\"b\"")]), Err(Mismatch::Changed(_))));
        assert!(matches!(check(&[("content-range", "bytes 3-8/10")]), Err(Mismatch::Changed(_))));
        assert!(matches!(check(&[("content-range", "bytes 2-8/9")]), Err(Mismatch::Answer(_))));
        assert!(matches!(check(&[]), Err(Mismatch::Answer(_))));
    }

    #[test]
    fn every_part_of_the_fingerprint_counts() {
        let known = |total, etag: &str| Known { total, validator: Some(Validator::ETag(etag.parse().unwrap())) };
        let print = known(9, "\"a\"").fingerprint("7").unwrap();
        assert_eq!(print.len(), 64);
        for other in
            [known(8, "\"a\"").fingerprint("7"), known(9, "\"b\"").fingerprint("7"), known(9, "\"a\"").fingerprint("8")]
        {
            assert_ne!(other.unwrap(), print);
        }
        assert_eq!(Known { total: 9, validator: None }.fingerprint("7"), None);
    }

    proptest! {
        #[test]
        fn no_content_range_breaks_it(text in "(bytes )?[0-9*/ -]{0,50}") {
            if let Some(part) = Part::of(&headers(&[("content-range", &text)])) {
                prop_assert!(part.first <= part.last);
            }
        }
    }
}
