//! Appending a request body to a session.
//!
//! The body goes straight to its place on disk; only when it is whole does the session acknowledge it. Refuses bytes
//! at any other place than the protocol allows.

use std::io::SeekFrom;

use tokio::fs::OpenOptions;
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};

use crate::content_hash::{BLOCK, ContentHash};
use crate::error::Error;
use crate::sessions::session::Session;
use crate::settings::{PartialAppend, Reclose, Switches};
use crate::wire::body::{BodyEnd, RequestBody};

/// Largest body of one request: 150 MiB (`UploadSessionAppendV2` in Dropbox's specification).
pub(crate) const MAX_BODY: u64 = 150 * 1024 * 1024;
/// Largest file: 2^41 - 2^22 bytes.
const MAX_FILE: u64 = (1 << 41) - (1 << 22);
/// Bytes collected before a write to the disk.
const WRITE: usize = 1024 * 1024;
const BLOCK_BYTES: u64 = BLOCK as u64;

/// One append.
pub(crate) struct Append<'a> {
    pub(crate) offset: u64,
    pub(crate) close: bool,
    /// What this body's content hash has to be.
    pub(crate) content_hash: Option<&'a str>,
    pub(crate) switches: Switches,
}

/// Why nothing was appended.
#[derive(Debug)]
pub(crate) enum AppendError {
    NotFound,
    IncorrectOffset(u64),
    Closed,
    TooLarge,
    InvalidOffset,
    InvalidSize,
    PayloadTooLarge,
    HashMismatch,
    /// The body was cut off, on purpose or by the client.
    Ended,
    /// The emulator's own failure.
    Broken(Error),
}

impl From<Error> for AppendError {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

/// What came in, acknowledged or not.
struct Received {
    bytes: u64,
    /// Hash of the session with these bytes.
    session: Option<ContentHash>,
    /// Hash of these bytes alone, when the request names one.
    body: Option<ContentHash>,
    end: Result<(), BodyEnd>,
}

impl Session {
    /// Appends a body. Of a sequential session the caller holds the turn.
    pub(crate) async fn append(&self, body: &mut RequestBody, append: &Append<'_>) -> Result<(), AppendError> {
        self.admit(body.announced(), append)?;
        let mut received = self.receive(body, append).await?;
        match received.end {
            Ok(()) => {}
            Err(BodyEnd::TooLarge) => {
                self.discard()?;
                return Err(AppendError::PayloadTooLarge);
            }
            Err(BodyEnd::Cut | BodyEnd::Broken) => {
                match append.switches.partial_append {
                    PartialAppend::Keep if !self.concurrent => self.acknowledge(append.offset, received, false)?,
                    PartialAppend::Keep | PartialAppend::Discard => self.discard()?,
                }
                return Err(AppendError::Ended);
            }
        }
        let hash = received.body.take().map(ContentHash::finish);
        if hash.as_deref() != append.content_hash {
            self.discard()?;
            return Err(AppendError::HashMismatch);
        }
        if self.concurrent && !append.close && !received.bytes.is_multiple_of(BLOCK_BYTES) {
            return Err(AppendError::InvalidSize);
        }
        self.acknowledge(append.offset, received, append.close)?;
        Ok(())
    }

    /// What can be said before the body is read.
    fn admit(&self, announced: Option<u64>, append: &Append<'_>) -> Result<(), AppendError> {
        let state = self.state();
        if state.closed {
            let repeated = append.close && append.switches.reclose == Reclose::IncorrectOffset;
            return Err(if repeated { AppendError::IncorrectOffset(state.length) } else { AppendError::Closed });
        }
        if announced.is_some_and(|bytes| bytes > MAX_BODY) {
            return Err(AppendError::PayloadTooLarge);
        }
        if append.offset.saturating_add(announced.unwrap_or(0)) > MAX_FILE {
            return Err(AppendError::TooLarge);
        }
        if self.concurrent {
            let aligned = append.offset.is_multiple_of(BLOCK_BYTES);
            return if aligned { Ok(()) } else { Err(AppendError::InvalidOffset) };
        }
        if append.offset == state.length { Ok(()) } else { Err(AppendError::IncorrectOffset(state.length)) }
    }

    async fn receive(&self, body: &mut RequestBody, append: &Append<'_>) -> Result<Received, Error> {
        let failed = Error::file(&self.bytes);
        let session = self.state().hash.clone();
        let body_hash = append.content_hash.map(|_| ContentHash::default());
        let mut received = Received { bytes: 0, session, body: body_hash, end: Ok(()) };
        let written = async {
            let mut file = OpenOptions::new().write(true).open(&self.bytes).await?;
            file.set_max_buf_size(WRITE);
            file.seek(SeekFrom::Start(append.offset)).await?;
            let mut waiting = Vec::new();
            loop {
                let piece = match body.next().await {
                    Ok(Some(piece)) if received.bytes + piece.len() as u64 > MAX_BODY => {
                        received.end = Err(BodyEnd::TooLarge);
                        break;
                    }
                    Ok(Some(piece)) => piece,
                    Ok(None) => break,
                    Err(end) => {
                        received.end = Err(end);
                        break;
                    }
                };
                received.bytes += piece.len() as u64;
                for hash in [&mut received.session, &mut received.body].into_iter().flatten() {
                    hash.update(&piece);
                }
                waiting.extend_from_slice(&piece);
                if waiting.len() >= WRITE {
                    file.write_all(&waiting).await?;
                    waiting.clear();
                }
            }
            file.write_all(&waiting).await?;
            file.flush().await
        };
        written.await.map_err(failed)?;
        Ok(received)
    }

    fn acknowledge(&self, offset: u64, received: Received, close: bool) -> Result<(), Error> {
        {
            let mut state = self.state();
            state.length = state.length.max(offset + received.bytes);
            state.closed |= close;
            state.hash = received.session;
            if self.concurrent && received.bytes > 0 {
                state.blocks.insert(offset, received.bytes);
            }
        }
        self.save()
    }

    /// Drops what a refused append left behind. A concurrent session keeps it: another block may lie beyond.
    fn discard(&self) -> Result<(), Error> {
        if self.concurrent { Ok(()) } else { self.truncate() }
    }
}
