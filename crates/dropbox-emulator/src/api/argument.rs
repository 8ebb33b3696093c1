//! Reading the JSON argument of a route, as strictly as the service does.
//!
//! Refuses unknown fields, missing fields, wrong types, null for what cannot be null, and unions without `.tag`; a
//! lenient emulator would hide the mistakes of clients. Accepts a void member of a union as a bare string.

use serde_json::{Map, Value};

use crate::files::names::{MalformedPath, RemotePath};
use crate::settings::NonBmp;

/// What is wrong with the argument, worded for the 400 text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadArgument(pub(crate) String);

type Read<T> = Result<T, BadArgument>;

/// A value and where it stands in the argument (`cursor.offset`).
pub(crate) struct At {
    path: String,
    value: Value,
}

/// The fields of a struct that have not been read yet.
pub(crate) struct Fields {
    path: String,
    map: Map<String, Value>,
}

/// A path argument, its form checked and its namespace prefix kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PathArg {
    /// `/...`, or empty for the root.
    Path(String),
    /// `ns:<number>` and the path in that namespace.
    Namespace(String, String),
    /// `id:...`
    Id(String),
    /// The digits behind `rev:`.
    Rev(String),
}

/// Which forms of path a route takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PathForm {
    /// To write to: `WritePathOrId`.
    Write,
    /// To make a folder at: `WritePath`.
    WriteNew,
    /// To read: `ReadPath`.
    Read,
    /// To list: `PathROrId`, where the empty string is the root.
    List,
}

impl At {
    pub(crate) fn root(value: Value) -> Self {
        Self { path: String::new(), value }
    }

    fn wrong<T>(&self, expected: &str) -> Read<T> {
        let got = match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "float",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        Err(BadArgument(format!("{}expected {expected}, got {got}", self.prefix())))
    }

    fn prefix(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!("{}: ", self.path) }
    }

    pub(crate) fn boolean(self) -> Read<bool> {
        match self.value {
            Value::Bool(value) => Ok(value),
            _ => self.wrong("boolean"),
        }
    }

    /// An unsigned integer of 64 bits.
    pub(crate) fn unsigned(self) -> Read<u64> {
        match self.value.as_u64() {
            Some(value) => Ok(value),
            None if self.value.is_i64() => Err(BadArgument(format!("{}not within range", self.prefix()))),
            None => self.wrong("integer"),
        }
    }

    pub(crate) fn text(self) -> Read<String> {
        match self.value {
            Value::String(text) => Ok(text),
            Value::Null => Err(BadArgument(format!("{}expected to be a string, got null", self.prefix()))),
            _ => self.wrong("string"),
        }
    }

    /// Lower-case hex digits: `length` of them, or for a revision at least nine.
    pub(crate) fn hex(self, length: Option<usize>) -> Read<String> {
        let prefix = self.prefix();
        let text = self.text()?;
        let fits = length.map_or(text.len() >= 9, |length| text.len() == length);
        if fits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            Ok(text)
        } else {
            Err(BadArgument(format!("{prefix}'{text}' did not match pattern '[0-9a-f]+'")))
        }
    }

    /// A content hash.
    pub(crate) fn sha256(self) -> Read<String> {
        self.hex(Some(64))
    }

    /// A time in Dropbox's only form, `2026-11-20T19:47:30Z`.
    pub(crate) fn time(self) -> Read<String> {
        let prefix = self.prefix();
        let text = self.text()?;
        let is_time = text.len() == 20 && text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok();
        if is_time {
            Ok(text)
        } else {
            Err(BadArgument(format!("{prefix}time data '{text}' does not match format '%Y-%m-%dT%H:%M:%SZ'")))
        }
    }

    pub(crate) fn path(self, form: PathForm) -> Read<PathArg> {
        let prefix = self.prefix();
        let text = self.text()?;
        PathArg::parse(&text, form).ok_or_else(|| {
            let hint =
                if text == "/" { "Specify the root folder as an empty string rather than as \"/\"." } else { "" };
            if hint.is_empty() {
                BadArgument(format!("{prefix}'{text}' did not match pattern '{}'", form.pattern()))
            } else {
                BadArgument(format!("{prefix}{hint}"))
            }
        })
    }

    pub(crate) fn fields(self) -> Read<Fields> {
        match self.value {
            Value::Object(map) => Ok(Fields { path: self.path, map }),
            _ => self.wrong("object"),
        }
    }

    /// A union: its tag and the fields beside it.
    pub(crate) fn union(self) -> Read<(String, Fields)> {
        if let Value::String(tag) = self.value {
            return Ok((tag, Fields { path: self.path, map: Map::new() }));
        }
        let missing = BadArgument(format!("{}missing '.tag' key", self.prefix()));
        let mut fields = self.fields()?;
        match fields.map.shift_remove(".tag") {
            Some(Value::String(tag)) => Ok((tag, fields)),
            Some(_) | None => Err(missing),
        }
    }

    /// A list of at most `most` elements. They keep the list's place: the service names no index.
    pub(crate) fn list(self, most: usize) -> Read<Vec<Self>> {
        match self.value {
            Value::Array(values) if values.len() <= most => {
                Ok(values.into_iter().map(|value| Self { path: self.path.clone(), value }).collect())
            }
            Value::Array(_) => Err(BadArgument(format!("{}list must not have more than {most} items", self.prefix()))),
            _ => self.wrong("array"),
        }
    }

    /// Anything: a part of the argument that the emulator has no use for.
    pub(crate) fn ignored(self) -> Read<()> {
        Ok(())
    }
}

impl Fields {
    fn take(&mut self, name: &str) -> Option<At> {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        self.map.shift_remove(name).map(|value| At { path, value })
    }

    fn prefix(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!("{}: ", self.path) }
    }

    pub(crate) fn required<T>(&mut self, name: &str, read: impl FnOnce(At) -> Read<T>) -> Read<T> {
        match self.take(name) {
            Some(at) => read(at),
            None => Err(BadArgument(format!("{}missing required field '{name}'", self.prefix()))),
        }
    }

    /// A field with a default: it may be left out, but it may not be null.
    pub(crate) fn defaulted<T>(&mut self, name: &str, default: T, read: impl FnOnce(At) -> Read<T>) -> Read<T> {
        self.take(name).map_or(Ok(default), read)
    }

    /// A nullable field.
    pub(crate) fn optional<T>(&mut self, name: &str, read: impl FnOnce(At) -> Read<T>) -> Read<Option<T>> {
        self.take(name).filter(|at| !at.value.is_null()).map(read).transpose()
    }

    /// Nothing may be left over.
    pub(crate) fn end(self) -> Read<()> {
        match self.map.keys().next() {
            Some(name) => Err(BadArgument(format!("{}unknown field '{name}'", self.prefix()))),
            None => Ok(()),
        }
    }

    /// For a tag that the union does not have.
    pub(crate) fn unknown_tag<T>(&self, tag: &str) -> Read<T> {
        Err(BadArgument(format!("{}invalid tag '{tag}'", self.prefix())))
    }
}

impl PathForm {
    /// Dropbox's own pattern, for the text of the refusal.
    fn pattern(self) -> &'static str {
        match self {
            Self::Write => r"(/(.|[\r\n])*)|(ns:[0-9]+(/.*)?)|(id:.*)",
            Self::WriteNew => r"(/(.|[\r\n])*)|(ns:[0-9]+(/.*)?)",
            Self::Read => r"(/(.|[\r\n])*|id:.*)|(rev:[0-9a-f]{9,})|(ns:[0-9]+(/.*)?)",
            Self::List => r"(/(.|[\r\n])*)?|id:.*|(ns:[0-9]+(/.*)?)",
        }
    }
}

impl PathArg {
    fn parse(text: &str, form: PathForm) -> Option<Self> {
        if text.is_empty() {
            return matches!(form, PathForm::List).then(|| Self::Path(String::new()));
        }
        if text == "/" {
            return None;
        }
        if text.starts_with('/') {
            return Some(Self::Path(text.to_owned()));
        }
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "id" if !matches!(form, PathForm::WriteNew) => Some(Self::Id(text.to_owned())),
            "rev" if matches!(form, PathForm::Read) => {
                let is_rev = rest.len() >= 9 && rest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                is_rev.then(|| Self::Rev(rest.to_owned()))
            }
            "ns" => {
                let digits = rest.find('/').unwrap_or(rest.len());
                let (number, path) = rest.split_at(digits);
                let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
                is_number.then(|| Self::Namespace(number.to_owned(), path.trim_end_matches('/').to_owned()))
            }
            _ => None,
        }
    }

    /// The path inside the account whose only namespace is `home`; `None` for ids, revisions and foreign namespaces.
    pub(crate) fn inside(&self, home: &str, non_bmp: NonBmp) -> Result<Option<RemotePath>, MalformedPath> {
        match self {
            Self::Path(path) => RemotePath::parse(path, non_bmp).map(Some),
            Self::Namespace(number, path) if number == home => RemotePath::parse(path, non_bmp).map(Some),
            Self::Namespace(..) | Self::Id(_) | Self::Rev(_) => Ok(None),
        }
    }
}

#[cfg(test)]
#[path = "argument_tests.rs"]
mod tests;
