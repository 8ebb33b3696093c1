//! The cookies of a format, as yt-dlp writes them: `name=value; Domain=.a.example; Path=/; Secure; name2=…`.
//!
//! yt-dlp gives every cookie its domain, so one without is not sent anywhere.

use url::{Host, Url};

/// No format needs more.
const MAX_COOKIES: usize = 100;
/// What servers take, in bytes.
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// The cookies of one format.
#[derive(Clone, Default)]
pub(super) struct Cookies(Vec<Cookie>);

#[derive(Clone, Default)]
struct Cookie {
    name: String,
    value: String,
    /// In lower case; with a dot before it where its subdomains count as well.
    domain: String,
    path: String,
    secure: bool,
}

impl Cookies {
    /// Reads yt-dlp's text. What cannot be a cookie is left out.
    pub(super) fn read(text: &str) -> Self {
        let mut cookies: Vec<Cookie> = Vec::new();
        for part in parts(text) {
            let (key, value) = part.split_once('=').map_or((part, ""), |(key, value)| (key.trim(), value.trim()));
            let attribute = key.to_ascii_lowercase();
            let full = cookies.len() == MAX_COOKIES;
            match (attribute.as_str(), cookies.last_mut()) {
                ("domain", Some(cookie)) => cookie.domain = plain(value).to_ascii_lowercase(),
                ("path", Some(cookie)) => cookie.path = plain(value),
                ("secure", Some(cookie)) => cookie.secure = true,
                ("domain" | "path" | "secure" | "expires" | "max-age" | "version" | "comment" | "httponly", _) => {}
                ("samesite" | "partitioned", _) => {}
                _ if full => break,
                _ => cookies.push(Cookie { name: key.to_owned(), value: plain(value), ..Cookie::default() }),
            }
        }
        cookies.retain(Cookie::is_sendable);
        Self(cookies)
    }

    /// The header for a request to this address; `None` without a cookie for it.
    pub(super) fn header(&self, url: &Url) -> Option<String> {
        let mut header = String::new();
        for cookie in self.0.iter().filter(|cookie| cookie.goes_to(url)) {
            let separator = if header.is_empty() { "" } else { "; " };
            if header.len() + separator.len() + cookie.name.len() + cookie.value.len() >= MAX_HEADER_BYTES {
                break;
            }
            header.extend([separator, &cookie.name, "=", &cookie.value]);
        }
        (!header.is_empty()).then_some(header)
    }
}

impl Cookie {
    fn is_sendable(&self) -> bool {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.:^_`|~".contains(&byte);
        let value = |byte: u8| (b' '..0x7F).contains(&byte) && byte != b';';
        !self.name.is_empty()
            && self.name.bytes().all(token)
            && self.value.bytes().all(value)
            && !self.domain.trim_matches('.').is_empty()
    }

    /// RFC 6265, sections 5.1.3 and 5.1.4.
    fn goes_to(&self, url: &Url) -> bool {
        let host = match url.host() {
            Some(Host::Domain(host)) => host.to_ascii_lowercase(),
            Some(address) => {
                return self.domain == address.to_string() && self.path_covers(url) && self.scheme_fits(url);
            }
            None => return false,
        };
        let suffix =
            |parent: &str| host == parent || host.strip_suffix(parent).is_some_and(|before| before.ends_with('.'));
        let domain = match self.domain.strip_prefix('.') {
            // One label is a whole registry: nobody's cookie goes to all of it.
            Some(parent) => host == parent || (parent.contains('.') && suffix(parent)),
            None => host == self.domain,
        };
        domain && self.path_covers(url) && self.scheme_fits(url)
    }

    fn scheme_fits(&self, url: &Url) -> bool {
        !self.secure || url.scheme() == "https"
    }

    fn path_covers(&self, url: &Url) -> bool {
        let path = if self.path.is_empty() { "/" } else { &self.path };
        url.path()
            .strip_prefix(path)
            .is_some_and(|rest| rest.is_empty() || path.ends_with('/') || rest.starts_with('/'))
    }
}

/// Between the semicolons that are not inside quotes.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text.split(move |char| {
        let ends = char == ';' && !quoted;
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        ends
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

/// Without the quotes and escapes (`\"`, `\073`) of Python's cookies.
fn plain(value: &str) -> String {
    let Some(quoted) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut plain = String::with_capacity(quoted.len());
    let mut rest = quoted;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let octal = rest.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        if let Some(byte) = octal {
            plain.push(char::from(byte));
            rest = &rest[3..];
        } else if let Some(char) = rest.chars().next() {
            plain.push(char);
            rest = &rest[char.len_utf8()..];
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, url: &str, want: Option<&str>) {
        assert_eq!(Cookies::read(text).header(&url.parse().unwrap()).as_deref(), want, "{text} to {url}");
    }

    #[test]
    fn a_cookie_goes_where_it_belongs() {
        check("a=1; Domain=.x.example; Path=/; b=2; Domain=y.example; Path=/", "https://x.example/v", Some("a=1"));
        check("a=1; Domain=.x.example; Path=/", "https://cdn.x.example/v", Some("a=1"));
        check("a=1; Domain=.x.example", "https://notx.example/v", None);
        check("a=1; Domain=x.example", "https://cdn.x.example/v", None);
        check("a=1; Domain=.example", "https://x.example/", None);
        check("a=1; Domain=X.Example; Path=/v", "http://x.example/v/1", Some("a=1"));
        check("a=1; Domain=x.example; Path=/v", "http://x.example/video", None);
        check("a=1; Domain=x.example; Secure; Expires=99; Version=0", "http://x.example/", None);
        check("a=1; Domain=x.example; Secure; b=2; Domain=x.example", "https://x.example/", Some("a=1; b=2"));
        check("a=1; Domain=127.0.0.1", "http://127.0.0.1:80/", Some("a=1"));
        check("a=1; Domain=.0.0.1", "http://127.0.0.1/", None);
        check("a=1", "https://x.example/", None);
    }

    #[test]
    fn values_come_out_as_they_went_in() {
        check(r#"a="x\"y\073z; Domain=evil\054"; Domain=x.example"#, "https://x.example/", None);
        check(r#"a="x\"y\054z w\\"; Domain=x.example"#, "https://x.example/", Some(r#"a=x"y,z w\"#));
        check("a=x=y; Domain=x.example", "https://x.example/", Some("a=x=y"));
        check("a=1\r\nX: 1; Domain=x.example", "https://x.example/", None);
        check("; ;=; Domain=x.example; Secure", "https://x.example/", None);
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "[ab;=\"\\\\07\u{e9}. DdomainPath/x-]{0,60}") {
            let url = "https://x.example/".parse().unwrap();
            if let Some(header) = Cookies::read(&text).header(&url) {
                prop_assert!(header.bytes().all(|byte| (b' '..0x7F).contains(&byte)));
            }
        }
    }
}
