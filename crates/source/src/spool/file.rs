//! The finished file as a source.

use std::{io::SeekFrom, path::PathBuf};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use sluice_domain::{Failure, Length};
use sluice_transfer::{ByteStream, Source};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
};

use super::{Spool, directory::FetchDirectory};

/// How much is read at once.
const CHUNK_BYTES: usize = 512 * 1024;

/// A file in the spool. Dropping it removes the file and gives its room back.
#[derive(Debug)]
pub(super) struct SpoolFile {
    _directory: FetchDirectory,
    /// The spool lives at least as long as its files.
    _spool: Spool,
    path: PathBuf,
    bytes: u64,
}

impl SpoolFile {
    pub(super) fn new(directory: FetchDirectory, spool: Spool, path: PathBuf, bytes: u64) -> Self {
        Self { _directory: directory, _spool: spool, path, bytes }
    }
}

#[async_trait]
impl Source for SpoolFile {
    fn length(&self) -> Length {
        Length::Exact(self.bytes)
    }

    async fn open(&self, from: u64, to: Option<u64>) -> Result<ByteStream, Failure> {
        let to = to.unwrap_or(self.bytes);
        let left = to.checked_sub(from).filter(|_| to <= self.bytes);
        let left = left.ok_or_else(|| Failure::internal(format!("bytes {from} to {to} of {}", self.bytes)))?;
        let mut file = File::open(&self.path).await.map_err(|error| broken(&error))?;
        file.seek(SeekFrom::Start(from)).await.map_err(|error| broken(&error))?;
        let reading = Reading { file, left, bytes: self.bytes };
        Ok(stream::try_unfold(reading, Reading::next).boxed())
    }
}

/// A reader on its way to the end.
struct Reading {
    file: File,
    left: u64,
    bytes: u64,
}

impl Reading {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, Failure> {
        let want = usize::try_from(self.left).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        if want == 0 {
            let now = self.file.metadata().await.map_err(|error| broken(&error))?.len();
            return if now == self.bytes { Ok(None) } else { Err(changed(self.bytes, now)) };
        }
        let mut chunk = BytesMut::zeroed(want);
        let read = self.file.read(&mut chunk).await.map_err(|error| broken(&error))?;
        if read == 0 {
            return Err(changed(self.bytes, self.bytes - self.left));
        }
        chunk.truncate(read);
        self.left -= read as u64;
        Ok(Some((chunk.freeze(), self)))
    }
}

fn broken(error: &std::io::Error) -> Failure {
    Failure::internal(format!("spool: {error}"))
}

fn changed(was: u64, is: u64) -> Failure {
    Failure::internal(format!("a file in the spool had {was} bytes and has {is}"))
}
