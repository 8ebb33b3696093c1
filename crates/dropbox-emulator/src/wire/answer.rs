//! Building answers: status, the headers that every answer of the service carries, and bodies.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, SERVER, VARY};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;

use crate::chance;

/// Body of an answer. The error cuts it short.
pub(crate) type Body = BoxBody<Bytes, std::io::Error>;
/// A whole answer.
pub(crate) type Answer = Response<Body>;

/// Exactly this: Dropbox's Python SDK compares the header as a text.
pub(crate) const JSON: &str = "application/json";
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-dropbox-request-id");

/// Headers of every answer of the API. Strict-Transport-Security is left out: over plain HTTP it would mean nothing.
const ALWAYS: [(HeaderName, &str); 6] = [
    (CACHE_CONTROL, "no-cache"),
    (SERVER, "envoy"),
    (HeaderName::from_static("x-dropbox-response-origin"), "far_remote"),
    (HeaderName::from_static("x-content-type-options"), "nosniff"),
    (HeaderName::from_static("x-robots-tag"), "noindex, nofollow, noimageindex"),
    (VARY, "Accept-Encoding"),
];

/// A body that is already whole.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never: Infallible| match never {}).boxed()
}

/// An answer with the service's headers.
pub(crate) fn answer(status: StatusCode, content_type: &str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(full(body));
    *answer.status_mut() = status;
    set(&mut answer, CONTENT_TYPE, content_type);
    for (name, value) in ALWAYS {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    set(&mut answer, REQUEST_ID, &chance::hex_digits(32));
    set(&mut answer, CONTENT_SECURITY_POLICY, "sandbox allow-forms allow-scripts");
    answer
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, value: &Value) -> Answer {
    answer(status, JSON, value.to_string())
}

/// A page for a person.
pub(crate) fn html(status: StatusCode, page: &str) -> Answer {
    let mut answer = answer(status, HTML, page.to_owned());
    // No form-action here: browsers apply it to the redirect after the form as well, and that leads to the app.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
    set(&mut answer, CONTENT_SECURITY_POLICY, policy);
    answer
}

/// Sets a header; a value that HTTP cannot carry is left out.
pub(crate) fn set(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

/// JSON for a header: pure ASCII, surrogate pairs beyond the first plane.
pub(crate) fn header_json(value: &Value) -> String {
    let mut ascii = String::new();
    for character in value.to_string().chars() {
        if (' '..'\u{7f}').contains(&character) {
            ascii.push(character);
        } else {
            character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| ascii.push_str(&format!("\\u{unit:04x}")));
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_json_is_ascii() {
        let value = serde_json::json!({"name": "é🎬\u{7f}.mp4"});
        assert_eq!(header_json(&value), r#"{"name":"\u00e9\ud83c\udfac\u007f.mp4"}"#);
        assert_eq!(serde_json::from_str::<Value>(&header_json(&value)).unwrap(), value);
    }
}
