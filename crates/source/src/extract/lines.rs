//! A child's answer, line by line, within bounds of size and time.

use std::io;

use sluice_domain::{Failure, FailureKind};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    time::{Duration, Instant, timeout},
};

/// The longest line about a list or one of its entries, in bytes.
pub(super) const MAX_LINE_BYTES: usize = 256 * 1024;

/// Reads lines. Of a line that is too long, nothing is kept.
#[derive(Debug)]
pub(super) struct Lines<R>(BufReader<R>);

#[derive(Debug)]
pub(super) enum Line {
    Whole(Vec<u8>),
    TooLong,
    /// The end; also where it cuts a line off.
    End,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self(BufReader::new(reader))
    }

    /// The next line, without its end, if it has at most `max` bytes.
    pub(super) async fn next(&mut self, max: usize) -> io::Result<Line> {
        let (mut line, mut too_long) = (Vec::new(), false);
        loop {
            let ready = self.0.fill_buf().await?;
            if ready.is_empty() {
                return Ok(Line::End);
            }
            let end = ready.iter().position(|byte| *byte == b'\n');
            let part = &ready[..end.unwrap_or(ready.len())];
            too_long |= line.len() + part.len() > max;
            if too_long {
                line = Vec::new();
            } else {
                line.extend_from_slice(part);
            }
            let read = end.map_or(ready.len(), |end| end + 1);
            self.0.consume(read);
            if end.is_some() {
                return Ok(if too_long { Line::TooLong } else { Line::Whole(line) });
            }
        }
    }
}

/// How long the answer about a list may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    end: Instant,
    idle: Duration,
}

impl Pace {
    /// From now on at most `total`, and at most `idle` for one line.
    pub(super) fn new(total: Duration, idle: Duration) -> Self {
        Self { end: Instant::now() + total, idle }
    }

    /// Waits for a line, or for the child to end, but not too long.
    pub(super) async fn keep<T>(&self, line: impl Future<Output = io::Result<T>>) -> Result<T, Failure> {
        let wait = self.idle.min(self.end.saturating_duration_since(Instant::now()));
        match timeout(wait, line).await {
            Ok(line) => line.map_err(|error| Failure::internal(format!("the listing: {error}"))),
            Err(_) => {
                Err(Failure::new(FailureKind::TimedOut, format!("no line of the list after {} s", wait.as_secs())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_bounded_and_cut_ones_do_not_count() {
        let mut lines = Lines::new(&b"abc\n\nabcdefgh\nxyz\ncut"[..]);
        let mut said = Vec::new();
        loop {
            match lines.next(3).await.unwrap() {
                Line::Whole(line) => said.push(String::from_utf8(line).unwrap()),
                Line::TooLong => said.push("too long".to_owned()),
                Line::End => break,
            }
        }
        assert_eq!(said, ["abc", "", "too long", "xyz"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_listing_is_bounded_in_all_and_between_its_lines() {
        let pace = Pace::new(Duration::from_secs(10), Duration::from_secs(4));
        let silence = || std::future::pending::<io::Result<Line>>();
        let start = Instant::now();
        for after in [4, 8, 10, 10] {
            assert_eq!(pace.keep(silence()).await.unwrap_err().kind, FailureKind::TimedOut);
            assert_eq!(start.elapsed().as_secs(), after);
        }
    }
}
