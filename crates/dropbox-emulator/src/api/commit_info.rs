//! `CommitInfo`: where a finished upload goes; and the commit itself, for every route that makes one.

use std::time::Duration;

use serde_json::Value;

use crate::api::argument::{At, BadArgument, Fields, PathArg, PathForm};
use crate::api::caller::Caller;
use crate::api::file_routes::first_number;
use crate::clock::written;
use crate::content_hash::ContentHash;
use crate::control::faults::Fault;
use crate::error::Error;
use crate::files::commit::{Placement, Staged, WriteError, WriteMode};
use crate::files::names::RemotePath;
use crate::files::tree::Tree;
use crate::service::Service;
use crate::sessions::session::Session;
use crate::settings::NonBmp;

/// The argument as sent.
#[derive(Debug, Clone)]
pub(crate) struct CommitInfo {
    path: PathArg,
    mode: WriteMode,
    autorename: bool,
    strict_conflict: bool,
    client_modified: Option<String>,
}

impl CommitInfo {
    /// Reads the fields of a commit; others may follow.
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, BadArgument> {
        let info = Self {
            path: fields.required("path", |at| at.path(PathForm::Write))?,
            mode: fields.defaulted("mode", WriteMode::Add, mode)?,
            autorename: fields.defaulted("autorename", false, At::boolean)?,
            strict_conflict: fields.defaulted("strict_conflict", false, At::boolean)?,
            client_modified: fields.optional("client_modified", At::time)?,
        };
        fields.defaulted("mute", false, At::boolean)?;
        fields.optional("property_groups", At::ignored)?;
        Ok(info)
    }

    /// Reads a `CommitInfo` that stands by itself.
    pub(crate) fn whole(at: At) -> Result<Self, BadArgument> {
        let mut fields = at.fields()?;
        let info = Self::read(&mut fields)?;
        fields.end()?;
        Ok(info)
    }

    fn placement(&self, service: &Service, caller: &Caller, tree: &mut Tree) -> Result<Placement, WriteError> {
        let path = match &self.path {
            PathArg::Id(id) => match tree.find_id(id)? {
                Some((_, node)) => RemotePath::parse(&node.display, NonBmp::Accept)?,
                None => return Err(WriteError::MalformedPath),
            },
            path => {
                path.inside(&caller.account.namespace, service.switches().non_bmp)?.ok_or(WriteError::MalformedPath)?
            }
        };
        Ok(Placement {
            path,
            mode: self.mode.clone(),
            autorename: self.autorename,
            autorename_first: first_number(service),
            strict_conflict: self.strict_conflict,
            client_modified: self.client_modified.clone(),
        })
    }
}

fn mode(at: At) -> Result<WriteMode, BadArgument> {
    let (tag, mut fields) = at.union()?;
    let mode = match tag.as_str() {
        "add" => WriteMode::Add,
        "overwrite" => WriteMode::Overwrite,
        "update" => WriteMode::Update(fields.required("update", |at| at.hex(None))?),
        _ => return fields.unknown_tag(&tag),
    };
    fields.end()?;
    Ok(mode)
}

/// Turns a session's bytes into a file and returns its `FileMetadata`. Blocks the thread; the caller holds the turn.
pub(crate) fn commit(
    service: &Service,
    caller: &Caller,
    session: &Session,
    info: &CommitInfo,
) -> Result<Value, WriteError> {
    if caller.account.is_locked() {
        return Err(WriteError::TooManyWriteOperations);
    }
    let now = written(service.clock.now());
    let content_hash = session.content_hash()?;
    let size = session.settle()?;
    let mut tree = caller.account.tree();
    let to = info.placement(service, caller, &mut tree)?;
    if let Some(Fault::Rival { content }) = &caller.fault {
        rival(&mut tree, session, &to, content, &now)?;
    }
    let (key, node) = tree.commit(&Staged { file: &session.bytes, size, content_hash }, &to, &now)?;
    if let Some(Fault::InvisibleFor { ms }) = caller.fault {
        tree.hide(&key, Duration::from_millis(ms));
    }
    let metadata = node.plain(&key);
    session.commit(metadata.clone())?;
    Ok(metadata)
}

/// Somebody else's file takes the place in the last moment (a fault).
fn rival(tree: &mut Tree, session: &Session, to: &Placement, content: &str, now: &str) -> Result<(), WriteError> {
    let file = session.bytes.with_extension("rival");
    std::fs::write(&file, content).map_err(Error::file(&file))?;
    let mut content_hash = ContentHash::default();
    content_hash.update(content.as_bytes());
    let staged = Staged { file: &file, size: content.len() as u64, content_hash: content_hash.finish() };
    let to = Placement { mode: WriteMode::Overwrite, ..to.clone() };
    tree.commit(&staged, &to, now).map(|_| ())
}
