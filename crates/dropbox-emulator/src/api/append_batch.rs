//! `files/upload_session/append_batch`: pieces for many sessions in one body.
//!
//! The body is laid down in a file first, because nothing may be appended unless its length and hash are right.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::api::argument::{At, BadArgument};
use crate::api::call::Stop;
use crate::api::caller::Caller;
use crate::api::refusal::{Refusal, nest};
use crate::api::session_routes::{SessionCursor, append_bytes, append_error};
use crate::content_hash::ContentHash;
use crate::error::Error;
use crate::service::Service;
use crate::sessions::append::MAX_BODY;
use crate::wire::body::RequestBody;

const MOST: usize = 1000;

struct Entry {
    cursor: SessionCursor,
    length: u64,
    close: bool,
}

impl Entry {
    fn read(at: At) -> Result<Self, BadArgument> {
        let mut fields = at.fields()?;
        let entry = Self {
            cursor: fields.required("cursor", SessionCursor::read)?,
            length: fields.required("length", At::unsigned)?,
            close: fields.defaulted("close", false, At::boolean)?,
        };
        fields.end()?;
        Ok(entry)
    }
}

/// `files/upload_session/append_batch`
pub(crate) async fn append_batch(
    service: &Service,
    caller: &Caller,
    arg: At,
    body: &mut RequestBody,
) -> Result<Value, Stop> {
    let mut fields = arg.fields()?;
    let entries = fields.required("entries", |at| at.list(MOST))?;
    let content_hash = fields.optional("content_hash", At::sha256)?;
    fields.end()?;
    let entries = entries.into_iter().map(Entry::read).collect::<Result<Vec<_>, _>>()?;
    let folder = service.sessions.folder();
    let staged = tempfile::NamedTempFile::new_in(folder).map_err(Error::file(folder))?;
    let file = staged.path().to_path_buf();
    let (length, hash) = stage(body, &file).await?;
    if entries.iter().map(|entry| entry.length).sum::<u64>() != length {
        return Err(Refusal::tag("length_mismatch").into());
    }
    if content_hash.is_some_and(|expected| expected != hash) {
        return Err(Refusal::tag("content_hash_mismatch").into());
    }
    let (mut results, mut offset) = (Vec::new(), 0);
    for entry in &entries {
        let mut piece = RequestBody::from_file(&file, offset, entry.length).await.map_err(Error::file(&file))?;
        offset += entry.length;
        let appended = append_bytes(service, caller, &entry.cursor, entry.close, None, &mut piece).await;
        results.push(match appended {
            Ok(()) => json!({ ".tag": "success" }),
            Err(error) => nest("failure", &append_error(error)?),
        });
    }
    Ok(json!({ "entries": results }))
}

async fn stage(body: &mut RequestBody, path: &std::path::Path) -> Result<(u64, String), Stop> {
    let mut file = tokio::fs::File::create(path).await.map_err(Error::file(path))?;
    let (mut length, mut hash) = (0, ContentHash::default());
    while let Some(piece) = body.next().await? {
        length += piece.len() as u64;
        if length > MAX_BODY {
            return Err(Refusal::tag("payload_too_large").into());
        }
        hash.update(&piece);
        file.write_all(&piece).await.map_err(Error::file(path))?;
    }
    file.flush().await.map_err(Error::file(path))?;
    Ok((length, hash.finish()))
}
