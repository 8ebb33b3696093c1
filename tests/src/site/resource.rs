//! What a path serves: content with a type, a page, or a redirect.

use super::Content;

/// One thing that a path serves.
#[derive(Debug, Clone)]
pub struct Resource {
    pub(super) kind: Kind,
}

/// The three ways of answering well.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// Bytes with validators and ranges.
    File { mime: String, content: Content },
    /// Text with the placeholders of [`Resource::text`].
    Text { mime: String, text: String },
    /// 302.
    Redirect { target: String },
}

impl Resource {
    /// Bytes of type `mime`.
    pub fn file(mime: impl Into<String>, content: Content) -> Self {
        Self { kind: Kind::File { mime: mime.into(), content } }
    }

    /// Text of type `mime`; every `{base}` in it becomes the scheme, host and port by which the client asked, so the
    /// site works under any name; `{secure}` becomes the address under which the site speaks TLS, and `{fresh}` another
    /// number each time somebody asks. Never served in ranges.
    pub fn text(mime: impl Into<String>, text: impl Into<String>) -> Self {
        Self { kind: Kind::Text { mime: mime.into(), text: text.into() } }
    }

    /// A redirect to `target`: a path of this site or a whole address.
    pub fn redirect(target: impl Into<String>) -> Self {
        Self { kind: Kind::Redirect { target: target.into() } }
    }
}
