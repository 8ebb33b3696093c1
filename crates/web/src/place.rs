//! Where people reach this server, and where they may be sent within it.

use actix_web::HttpRequest;
use url::Url;

/// The server's public address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Scheme, host and port, without a slash at the end.
    pub(crate) public_url: String,
    /// Is it https? Then cookies travel over https only.
    pub(crate) secure: bool,
    host: String,
}

impl Place {
    /// The place at this address.
    pub(crate) fn new(public_url: &str) -> Self {
        let public_url = public_url.trim_end_matches('/').to_owned();
        let host = public_url.split_once("://").map_or("", |(_, rest)| rest).split('/').next().unwrap_or_default();
        Self { secure: public_url.starts_with("https://"), host: host.to_owned(), public_url }
    }

    /// Where Dropbox sends the browser back to.
    pub(crate) fn redirect_uri(&self) -> String {
        format!("{}/oauth/callback", self.public_url)
    }

    /// Did the browser come by another name, such as `localhost` for `127.0.0.1`? A cookie set there would be missing at the callback.
    pub(crate) fn is_elsewhere(&self, request: &HttpRequest) -> bool {
        request.headers().get("host").and_then(|host| host.to_str().ok()).is_some_and(|host| host != self.host)
    }
}

/// A path of this server to go on to, or `/` for everything that could lead elsewhere.
pub(crate) fn safe_return(path: &str) -> &str {
    /// Longer than the longest link, with room for its encoding.
    const MAX_BYTES: usize = 32 * 1024;
    let base = "http://here.invalid";
    // Judged by the parser that browsers use: it knows `//host`, `/\host` and what tabs in between do.
    let stays = Url::parse(base).and_then(|base| base.join(path)).is_ok_and(|url| {
        url.host_str() == Some("here.invalid")
            && url.scheme() == "http"
            && url.username().is_empty()
            && url.port().is_none()
    });
    // A header has no room for more than this; whoever writes addresses encodes the rest.
    let plain = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()) && path.len() <= MAX_BYTES;
    if stays && plain { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for good in ["/", "/settings", "/?url=https%3A%2F%2Fa.example%2F", "/jobs/0123#x"] {
            assert_eq!(safe_return(good), good);
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "/\u{e9}",
            "/a b",
            "javascript:1",
            "settings",
        ] {
            assert_eq!(safe_return(bad), "/", "{bad:?}");
        }
    }

    #[test]
    fn the_public_address_says_it_all() {
        let place = Place::new("https://sluice.example/");
        assert!(place.secure);
        assert_eq!(place.redirect_uri(), "https://sluice.example/oauth/callback");
        assert_eq!(Place::new("http://127.0.0.1:8080").host, "127.0.0.1:8080");
    }
}
