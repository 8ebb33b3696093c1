//! A range of a stream that is asked for by offset, as a stream of its own.

use std::{
    future::poll_fn,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use sluice_domain::Failure;

use crate::ByteStream;

/// What lies at an offset, up to the end of its chunk; `None` at the end of the stream.
pub(crate) type PolledChunk = Poll<Option<Result<Bytes, Failure>>>;

/// From this offset up to before the other, or to the end; at a failure it ends. A stream that ends before the range does is a failure.
pub(crate) fn range(
    from: u64,
    to: Option<u64>,
    chunk_at: impl FnMut(u64, &mut Context<'_>) -> PolledChunk + Send + 'static,
) -> ByteStream {
    let reading = Reading { at: from, to, chunk_at };
    let chunks = stream::unfold(Some(reading), async |reading| {
        let mut reading = reading?;
        match poll_fn(|context| reading.poll(context)).await? {
            Ok(chunk) => Some((Ok(chunk), Some(reading))),
            Err(failure) => Some((Err(failure), None)),
        }
    });
    chunks.boxed()
}

struct Reading<F> {
    at: u64,
    to: Option<u64>,
    chunk_at: F,
}

impl<F: FnMut(u64, &mut Context<'_>) -> PolledChunk> Reading<F> {
    fn poll(&mut self, context: &mut Context<'_>) -> PolledChunk {
        let left = self.to.map(|to| to.saturating_sub(self.at));
        if left == Some(0) {
            return Poll::Ready(None);
        }
        match (self.chunk_at)(self.at, context) {
            Poll::Ready(Some(Ok(mut chunk))) => {
                chunk.truncate(left.and_then(|left| usize::try_from(left).ok()).unwrap_or(usize::MAX));
                self.at += chunk.len() as u64;
                Poll::Ready(Some(Ok(chunk)))
            }
            Poll::Ready(None) if left.is_some() => {
                Poll::Ready(Some(Err(Failure::internal("the stream ended before the range did"))))
            }
            other => other,
        }
    }
}
