//! The link that a person pasted, proven to be one that may be fetched at all.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

/// The longest link that is accepted, in bytes. Signed media links reach a few thousand.
pub(crate) const MAX_URL_BYTES: usize = 8 * 1024;

/// Why a text is not a link that Sluice can fetch. The messages are shown to people.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BadUrl {
    /// Nothing but white space.
    #[error("Paste a link first.")]
    Empty,
    /// Longer than any real link.
    #[error("That is too long to be a link. Paste just the address of the page or file.")]
    TooLong,
    /// Not a URL.
    #[error("That does not look like a link. It should start with https:// or http://.")]
    NotAUrl,
    /// A scheme other than http and https.
    #[error("Only https:// and http:// links can be fetched, not {0}: links.")]
    Scheme(String),
    /// No host name.
    #[error("That link names no site.")]
    NoHost,
}

/// An absolute `http` or `https` link with a host, of bounded length, without a fragment's worth of surprises: what may be given to yt-dlp.
///
/// Its `Display` is the whole link, which may carry secrets (a signed query): log [`SourceUrl::redacted`] instead.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SourceUrl(Url);

impl SourceUrl {
    /// The link as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The site's host name, without `www.`: what a person calls the site.
    #[must_use]
    pub fn site(&self) -> &str {
        let host = self.0.host_str().unwrap_or_default();
        host.strip_prefix("www.").unwrap_or(host)
    }

    /// Does it carry a user's name or password?
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        !self.0.username().is_empty() || self.0.password().is_some()
    }

    /// The link without a user's name and password: what is shown of it.
    #[must_use]
    pub fn shown(&self) -> Cow<'_, str> {
        if !self.has_credentials() {
            return Cow::Borrowed(self.as_str());
        }
        let (_, rest) = self.as_str().split_at(self.0[..url::Position::BeforeUsername].len());
        let at = self.0[url::Position::BeforeUsername..url::Position::BeforeHost].len();
        Cow::Owned(format!("{}://{}", self.0.scheme(), &rest[at..]))
    }

    /// Scheme, host and path alone: no credentials, no query, no fragment.
    #[must_use]
    pub fn redacted(&self) -> String {
        let port = self.0.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{}{port}{}", self.0.scheme(), self.0.host_str().unwrap_or_default(), self.0.path())
    }
}

impl FromStr for SourceUrl {
    type Err = BadUrl;

    fn from_str(text: &str) -> Result<Self, BadUrl> {
        let text = text.trim();
        if text.is_empty() {
            return Err(BadUrl::Empty);
        }
        if text.len() > MAX_URL_BYTES {
            return Err(BadUrl::TooLong);
        }
        // The URL standard strips tabs and newlines from the middle of a URL; a pasted text that has them is not one link.
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(BadUrl::NotAUrl);
        }
        let url = Url::parse(text).map_err(|_| BadUrl::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BadUrl::Scheme(url.scheme().to_owned()));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(BadUrl::NoHost);
        }
        Ok(Self(url))
    }
}

impl TryFrom<String> for SourceUrl {
    type Error = BadUrl;

    fn try_from(text: String) -> Result<Self, BadUrl> {
        text.parse()
    }
}

impl From<SourceUrl> for String {
    fn from(url: SourceUrl) -> Self {
        url.0.into()
    }
}

impl fmt::Display for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceUrl({})", self.redacted())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Result<&str, BadUrl>) {
        let got = text.parse::<SourceUrl>().map(|url| url.as_str().to_owned());
        assert_eq!(got, want.map(str::to_owned), "{text:?}");
    }

    #[test]
    fn links_are_parsed_once() {
        check(" https://example.com/a?b=c ", Ok("https://example.com/a?b=c"));
        check("HTTP://EXAMPLE.com", Ok("http://example.com/"));
        check("https://bücher.example/", Ok("https://xn--bcher-kva.example/"));
        check("", Err(BadUrl::Empty));
        check(" \n ", Err(BadUrl::Empty));
        check("hello", Err(BadUrl::NotAUrl));
        check("example.com/video", Err(BadUrl::NotAUrl));
        check("https://a.example https://b.example", Err(BadUrl::NotAUrl));
        check("https://a.example/\nx", Err(BadUrl::NotAUrl));
        check("ftp://example.com/a", Err(BadUrl::Scheme("ftp".into())));
        check("javascript:alert(1)", Err(BadUrl::Scheme("javascript".into())));
        check("file:///etc/passwd", Err(BadUrl::Scheme("file".into())));
        check("ytsearch:cats", Err(BadUrl::Scheme("ytsearch".into())));
        check("https://", Err(BadUrl::NotAUrl));
        check(&format!("https://example.com/{}", "a".repeat(MAX_URL_BYTES)), Err(BadUrl::TooLong));
    }

    #[test]
    fn what_is_logged_has_no_secret() {
        let url: SourceUrl = "https://user:pass@www.example.com:8443/v?token=1#f".parse().unwrap();
        assert_eq!(url.redacted(), "https://www.example.com:8443/v");
        assert_eq!(url.site(), "example.com");
        assert_eq!(url.shown(), "https://www.example.com:8443/v?token=1#f");
        assert!(url.has_credentials());
        for (text, shown) in [
            ("https://user@a.example/x", "https://a.example/x"),
            ("https://:pass@a.example/x?y", "https://a.example/x?y"),
            ("https://a.example/x@y", "https://a.example/x@y"),
            ("http://u:p@[2001:db8::1]:81/", "http://[2001:db8::1]:81/"),
        ] {
            assert_eq!(text.parse::<SourceUrl>().unwrap().shown(), shown, "{text}");
        }
        assert!(!format!("{url:?}").contains("pass"));
    }
}
