//! Bytes out: `files/download`, and whatever else answers with a file's content. Ranges, validators, a steady pace.

use std::io::SeekFrom;
use std::sync::Arc;

use bytes::BytesMut;
use futures::stream;
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_NONE_MATCH, RANGE};
use http::request::Parts;
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use serde_json::json;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use crate::api::argument::{At, PathForm};
use crate::api::call::Stop;
use crate::api::caller::Caller;
use crate::api::lookup;
use crate::api::refusal::{API_RESULT, Refusal, nest};
use crate::error::Error;
use crate::files::account::Account;
use crate::files::node::Node;
use crate::service::Service;
use crate::settings::RangeError;
use crate::wire::answer::{Answer, Body, answer, full, header_json, set};
use crate::wire::pace::{Bucket, Pace};

const PIECE: usize = 64 * 1024;
const BINARY: &str = "application/octet-stream";

/// `files/download`
pub(crate) async fn download(service: &Service, caller: &Caller, arg: At, head: &Parts) -> Result<Answer, Stop> {
    let mut fields = arg.fields()?;
    let path = fields.required("path", |at| at.path(PathForm::Read))?;
    let rev = fields.optional("rev", |at| at.hex(None))?;
    fields.end()?;
    let path = rev.map_or(path, crate::api::argument::PathArg::Rev);
    let found = tokio::task::block_in_place(|| lookup::file(&mut caller.account.tree(), &caller.account, &path));
    let (key, node) = found.map_err(|e| e.under("path"))?;
    let mut answer = content(service, &caller.account, &node, head).await?;
    if answer.status().is_success() {
        set(&mut answer, API_RESULT, &header_json(&node.plain(&key)));
    }
    Ok(answer)
}

/// The content of a file, or the part of it that the request asks for.
pub(crate) async fn content(
    service: &Service,
    account: &Account,
    node: &Node,
    head: &Parts,
) -> Result<Answer, Refusal> {
    let Some(facts) = node.content() else { return Err(Refusal::tag("not_file")) };
    let tag = format!("\"{}\"", facts.rev);
    let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    if header(IF_NONE_MATCH).is_some_and(|known| known == tag) {
        return Ok(answer(StatusCode::NOT_MODIFIED, BINARY, ""));
    }
    let path = account.tree().on_disk(node);
    let asked = header(RANGE).map(|text| range(text, facts.size)).unwrap_or(Asked::Whole);
    let (status, first, length) = match asked {
        Asked::Whole => (StatusCode::OK, 0, facts.size),
        Asked::Part(first, last) => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Asked::Outside => {
            return Err(match service.switches().range_error {
                RangeError::Status416 => Refusal::NotSatisfiable(facts.size),
                RangeError::Status409 => Refusal::Route(nest("range", &json!({ ".tag": "not_satisfiable" }))),
            });
        }
    };
    let mut file = File::open(&path).await.map_err(Error::file(&path))?;
    file.seek(SeekFrom::Start(first)).await.map_err(Error::file(&path))?;
    let mut answer = answer(status, BINARY, "");
    set(&mut answer, ETAG, &tag);
    set(&mut answer, ACCEPT_RANGES, "bytes");
    set(&mut answer, CONTENT_LENGTH, &length.to_string());
    if status == StatusCode::PARTIAL_CONTENT {
        set(&mut answer, CONTENT_RANGE, &format!("bytes {first}-{}/{}", first + length - 1, facts.size));
    }
    let shared = head.extensions.get::<Arc<Bucket>>().cloned().unwrap_or_default();
    let (parts, _empty) = answer.into_parts();
    let body = if length == 0 { full("") } else { stream_of(file, length, service.line.pace(&shared)) };
    Ok(Response::from_parts(parts, body))
}

fn stream_of(file: File, length: u64, pace: Pace) -> Body {
    let start = (file.take(length), pace);
    let pieces = stream::try_unfold(start, |(mut file, pace)| async move {
        let mut piece = BytesMut::with_capacity(PIECE);
        if file.read_buf(&mut piece).await? == 0 {
            return Ok(None);
        }
        pace.passed(piece.len()).await;
        Ok(Some((Frame::data(piece.freeze()), (file, pace))))
    });
    StreamBody::new(pieces).boxed()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Whole,
    /// First and last byte.
    Part(u64, u64),
    Outside,
}

/// Reads `bytes=a-b`, `bytes=a-` and `bytes=-n`. Anything else, also several ranges, means the whole file.
fn range(text: &str, size: u64) -> Asked {
    let Some((first, last)) = text.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Asked::Whole;
    };
    let asked = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last),
        (Ok(first), Err(_)) if last.is_empty() => (first, u64::MAX),
        (Err(_), Ok(0)) if first.is_empty() => return Asked::Outside,
        (Err(_), Ok(length)) if first.is_empty() => (size.saturating_sub(length), u64::MAX),
        _ => return Asked::Whole,
    };
    if asked.0 >= size { Asked::Outside } else { Asked::Part(asked.0, asked.1.min(size - 1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, size: u64, expected: Asked) {
        assert_eq!(range(text, size), expected, "{text} of {size}");
    }

    #[test]
    fn ranges() {
        check("bytes=0-4", 10, Asked::Part(0, 4));
        check("bytes=5-", 10, Asked::Part(5, 9));
        check("bytes=-3", 10, Asked::Part(7, 9));
        check("bytes=-30", 10, Asked::Part(0, 9));
        check("bytes=0-99", 10, Asked::Part(0, 9));
        check("bytes=10-", 10, Asked::Outside);
        check("bytes=-0", 10, Asked::Outside);
        check("bytes=0-", 0, Asked::Outside);
        check("bytes=5-4", 10, Asked::Whole);
        check("bytes=0-1,3-4", 10, Asked::Whole);
        check("items=0-1", 10, Asked::Whole);
    }
}
