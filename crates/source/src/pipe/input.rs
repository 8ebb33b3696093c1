//! One of the streams that go into ffmpeg.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use sluice_domain::{Codec, Failure, FailureKind, Length};
use sluice_transfer::{ByteStream, Gate};
use tokio::{io::AsyncWriteExt, net::unix::pipe};

use super::{
    Native,
    head::{has_aac_with_headers, has_its_index_last},
    idle::{Pulse, while_alive},
    yt_dlp,
};
use crate::{Tools, order::Chosen};

/// A stream of bytes on its way into ffmpeg.
pub(super) struct Input {
    name: &'static str,
    is_file: bool,
    /// All of it will be in the result.
    all_counts: bool,
    stream: ByteStream,
    /// Beats when something comes from the site.
    pub(super) pulse: Pulse,
    /// What was looked at and not passed on yet.
    first: Option<Bytes>,
    /// What the stream must give to the byte, when that is known.
    exact: Option<u64>,
    came: u64,
}

impl Input {
    /// Bytes that we fetch.
    pub(super) async fn native(native: &Native) -> Result<Self, Failure> {
        let (source, is_file) = (native.source(), matches!(native, Native::File(_)));
        let exact = match source.length() {
            Length::Exact(bytes) => Some(bytes),
            Length::Estimate(_) | Length::Unknown => None,
        };
        let stream = source.open(0, None).await?;
        Ok(Self {
            name: "a part",
            is_file,
            all_counts: true,
            stream,
            pulse: Pulse::default(),
            first: None,
            exact,
            came: 0,
        })
    }

    /// A format that yt-dlp fetches.
    pub(super) fn yt_dlp(tools: &Tools, chosen: &Chosen) -> Result<Self, Failure> {
        let (stream, pulse) = yt_dlp::stream(tools, chosen)?;
        Ok(Self { name: "yt-dlp", is_file: false, all_counts: true, stream, pulse, first: None, exact: None, came: 0 })
    }

    /// Only what is made of it will be judged, not what came in.
    pub(super) fn of_which_a_part_counts(self) -> Self {
        Self { all_counts: false, ..self }
    }

    /// Is it a file for certain, and no film that was put together of segments?
    pub(super) fn is_file(&self) -> bool {
        self.is_file
    }

    /// Waits for the first bytes, and keeps them.
    pub(super) async fn look(&mut self, idle: Duration) -> Result<(), Failure> {
        self.first = self.next(idle).await?;
        match &self.first {
            Some(_) => Ok(()),
            None => Err(Failure::new(FailureKind::BadLink, "an empty file")),
        }
    }

    /// Is its sound AAC with headers? See `head`.
    pub(super) fn has_aac_with_headers(&self, named: Option<&Codec>) -> bool {
        self.first.as_ref().is_some_and(|head| has_aac_with_headers(head, named))
    }

    /// Can it only be read by going back? See `head`.
    pub(super) fn has_its_index_last(&self) -> bool {
        self.first.as_ref().is_some_and(|head| has_its_index_last(head))
    }

    async fn next(&mut self, idle: Duration) -> Result<Option<Bytes>, Failure> {
        while_alive(self.name, idle, std::slice::from_ref(&self.pulse), self.stream.next()).await?.transpose()
    }

    /// Writes everything into the pipe and proves that it was everything. Closing the pipe is left to the caller's `sender`, which stays
    /// open when this fails.
    pub(super) async fn feed(
        &mut self,
        sender: &mut Option<pipe::Sender>,
        moved: &Pulse,
        gate: &Gate,
    ) -> Result<(), Failure> {
        loop {
            let next = match self.first.take() {
                Some(first) => Some(first),
                None => self.next(gate.idle_timeout()).await?,
            };
            let Some(chunk) = next else { break };
            self.came += chunk.len() as u64;
            if self.all_counts {
                gate.came_in(chunk.len() as u64)?;
            }
            moved.beat();
            if let Some(pipe) = sender {
                match pipe.write_all(&chunk).await {
                    Ok(()) => moved.beat(),
                    // ffmpeg has what it wants: files may go on after their last picture. The rest is read nevertheless, or nobody would
                    // vouch for what came before. Whether ffmpeg ended well is told by its exit.
                    Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => *sender = None,
                    Err(error) => return Err(Failure::internal(format!("a pipe: {error}"))),
                }
            }
        }
        if let Some(exact) = self.exact.filter(|exact| *exact != self.came) {
            let came = self.came;
            return Err(Failure::new(FailureKind::Network, format!("{came} bytes of a part arrived of {exact}")));
        }
        *sender = None;
        Ok(())
    }
}
