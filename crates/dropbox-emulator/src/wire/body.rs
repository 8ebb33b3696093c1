//! A request body, read piece by piece under a cap.
//!
//! Refuses to hold a body in memory, but for small ones (`read_all`) and the one that a `zombie` fault keeps back.

use std::io::SeekFrom;
use std::path::Path;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, Take};

use crate::wire::pace::Pace;

/// Longest pause between two pieces of a body.
const IDLE: Duration = Duration::from_secs(120);
/// Size of a piece read from a file.
const PIECE: usize = 64 * 1024;
/// How much of a body nobody wants is read before the answer goes out, and for how long.
const DRAIN_BYTES: u64 = 64 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// A body on its way in.
pub(crate) struct RequestBody {
    source: Source,
    pace: Pace,
    /// Cut the connection after so many bytes (a fault).
    cut_after: Option<u64>,
    /// Bytes read so far.
    pub(crate) taken: u64,
    ended: bool,
}

enum Source {
    Wire(Incoming),
    Kept(Bytes),
    /// A part of a file that was a body before.
    File(Take<File>),
}

/// Why a body did not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyEnd {
    /// More bytes than the caller allows.
    TooLarge,
    /// A fault wants the connection cut here.
    Cut,
    /// The client went away or fell silent.
    Broken,
}

impl RequestBody {
    pub(crate) fn new(incoming: Incoming, pace: Pace) -> Self {
        let ended = incoming.is_end_stream();
        Self { source: Source::Wire(incoming), pace, cut_after: None, taken: 0, ended }
    }

    /// `length` bytes of a file.
    pub(crate) async fn from_file(path: &Path, offset: u64, length: u64) -> std::io::Result<Self> {
        let mut file = File::open(path).await?;
        file.seek(SeekFrom::Start(offset)).await?;
        let source = Source::File(file.take(length));
        Ok(Self { source, pace: Pace::none(), cut_after: None, taken: 0, ended: false })
    }

    /// Cuts the connection once so many bytes have come in.
    pub(crate) fn cut_after(&mut self, bytes: u64) {
        self.cut_after = Some(bytes);
    }

    /// The announced length, where there is one.
    pub(crate) fn announced(&self) -> Option<u64> {
        match &self.source {
            Source::Wire(incoming) => incoming.size_hint().exact(),
            Source::Kept(bytes) => Some(bytes.len() as u64),
            Source::File(file) => Some(file.limit()),
        }
    }

    /// The next piece; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, BodyEnd> {
        if self.cut_after == Some(self.taken) {
            return Err(BodyEnd::Cut);
        }
        if self.ended {
            return Ok(None);
        }
        let Some(mut piece) = self.piece().await? else {
            self.ended = true;
            return Ok(None);
        };
        self.pace.passed(piece.len()).await;
        let room = self.cut_after.map_or(u64::MAX, |limit| limit - self.taken);
        piece.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        self.taken += piece.len() as u64;
        Ok(Some(piece))
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, BodyEnd> {
        match &mut self.source {
            Source::Kept(bytes) => Ok(Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty())),
            Source::File(file) => {
                let mut piece = BytesMut::with_capacity(PIECE);
                match file.read_buf(&mut piece).await {
                    Ok(0) => Ok(None),
                    Ok(_) => Ok(Some(piece.freeze())),
                    Err(_) => Err(BodyEnd::Broken),
                }
            }
            Source::Wire(incoming) => loop {
                match tokio::time::timeout(IDLE, incoming.frame()).await {
                    Ok(Some(Ok(frame))) => match frame.into_data() {
                        Ok(data) if data.is_empty() => {}
                        Ok(data) => return Ok(Some(data)),
                        Err(_trailers) => {}
                    },
                    Ok(None) => return Ok(None),
                    Ok(Some(Err(_))) | Err(_) => return Err(BodyEnd::Broken),
                }
            },
        }
    }

    /// The whole body, if it has at most `cap` bytes.
    pub(crate) async fn read_all(&mut self, cap: u64) -> Result<Bytes, BodyEnd> {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.next().await? {
            if whole.len() as u64 + piece.len() as u64 > cap {
                return Err(BodyEnd::TooLarge);
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    /// Takes the rest off the wire, so that the request can be carried out later without its connection.
    pub(crate) async fn keep(&mut self, cap: u64) -> Result<(), BodyEnd> {
        let whole = self.read_all(cap).await?;
        (self.source, self.ended, self.taken) = (Source::Kept(whole), false, 0);
        Ok(())
    }

    /// Reads and forgets what is left, within bounds: a client of HTTP/1.1 that is still sending would otherwise see
    /// a broken pipe instead of the answer.
    pub(crate) async fn drain(&mut self) {
        let limit = self.taken.saturating_add(DRAIN_BYTES);
        let all = async { while self.taken < limit && matches!(self.next().await, Ok(Some(_))) {} };
        // Out of time is as good as out of bytes: the answer goes out either way.
        let _elapsed = tokio::time::timeout(DRAIN_TIME, all).await;
    }
}
