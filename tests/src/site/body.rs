//! The body of one response: content sent piece by piece through pace, gate, stall and cut.

use std::{io, ops::Range, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{Stream, TryStreamExt as _, stream};
use http::Method;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::BoxBody};
use hyper::body::Frame;

use super::{Announce, Content, Delivery, Hold, gate::Bar, shelf::Shelf, visits::Entry, wire::Wire};

pub(super) type Body = BoxBody<Bytes, io::Error>;

/// One read and one write of the connection.
const PIECE: u64 = 64 * 1024;

/// A short body that is known at once.
pub(super) fn short(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).map_err(|never| match never {}).boxed()
}

/// Everything that decides how the next piece goes out.
pub(super) struct Flow {
    pub(super) content: Content,
    pub(super) rest: Range<u64>,
    pub(super) delivery: Delivery,
    pub(super) bar: Option<Bar>,
    pub(super) entry: Entry,
    pub(super) wire: Wire,
    pub(super) shelf: Arc<Shelf>,
    /// The address, where bytes are counted against it.
    pub(super) link: Option<String>,
}

impl Flow {
    /// The body of the response to a request with `method`.
    pub(super) fn body(self, method: &Method) -> Body {
        if method == Method::HEAD {
            self.entry.complete();
            return short(Bytes::new());
        }
        if self.rest.is_empty() && !self.promised_more() {
            self.entry.complete();
        }
        StreamBody::new(self.pieces().map_ok(Frame::data)).boxed()
    }

    fn pieces(self) -> impl Stream<Item = io::Result<Bytes>> + Send + Sync {
        stream::try_unfold(self, async |mut flow| Ok(flow.next().await?.map(|piece| (piece, flow))))
    }

    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let at = self.rest.start;
        if at >= self.rest.end {
            return if self.promised_more() { self.cut().await } else { Ok(None) };
        }
        let gate = self.bar.as_ref().filter(|bar| !bar.is_open());
        let gate_at = gate.and_then(|bar| if let Hold::Byte(byte) = bar.at { Some(byte) } else { None });
        if let (Some(bar), Some(byte)) = (gate, gate_at)
            && byte <= at
        {
            bar.pass().await;
        }
        if self.delivery.cut_at.is_some_and(|cut| cut <= at) {
            return self.cut().await;
        }
        let left = self.link_bytes_left();
        if left == Some(0) {
            return self.cut().await;
        }
        if self.delivery.stall_at.is_some_and(|stall| stall <= at) {
            std::future::pending::<()>().await;
        }
        // The next piece ends where something is to happen.
        let next_stop = [gate_at, self.delivery.cut_at, self.delivery.stall_at]
            .into_iter()
            .flatten()
            .filter(|&stop| stop > at)
            .fold(self.rest.end, u64::min);
        let pace = self.delivery.bytes_per_second;
        // A tenth of a second at a time looks like a slow line, not like a stuttering one.
        let line = self.shelf.line();
        let slowest = [pace, line.bytes_per_second, line.connection_bytes_per_second].into_iter().flatten().min();
        let limit = slowest.map_or(PIECE, |pace| PIECE.min(pace / 10).max(1)).min(next_stop - at);
        let limit = left.map_or(limit, |left| limit.min(left));
        let piece = self.content.at(at, limit);
        if let Some(pace) = pace {
            let size = u32::try_from(piece.len()).unwrap_or(u32::MAX);
            tokio::time::sleep(Duration::from_secs(1) * size / u32::try_from(pace).unwrap_or(u32::MAX).max(1)).await;
        }
        let bytes = piece.len() as u64;
        self.wire.bucket().pass(bytes, line.connection_bytes_per_second).await;
        self.shelf.bucket.pass(bytes, line.bytes_per_second).await;
        if let Some(link) = &self.link {
            self.shelf.spend(link, bytes);
        }
        self.rest.start += bytes;
        self.entry.sent(piece.len());
        // Now, not at the next call: hyper asks no further once the announced length is reached.
        if self.rest.is_empty() && !self.promised_more() {
            self.entry.complete();
        }
        Ok(Some(piece))
    }

    /// Whether the end of the content is a broken promise.
    fn promised_more(&self) -> bool {
        matches!(self.delivery.announce, Announce::Claim(length) if length > self.content.len())
    }

    /// What the address is still good for.
    fn link_bytes_left(&self) -> Option<u64> {
        let (most, link) = self.delivery.link_bytes.zip(self.link.as_ref())?;
        Some(most.saturating_sub(self.shelf.spend(link, 0)))
    }

    /// Breaks the connection once everything so far is on its way.
    async fn cut(&self) -> io::Result<Option<Bytes>> {
        self.wire.flushed().await;
        if self.delivery.reset {
            self.wire.will_reset();
        }
        Err(io::Error::other("cut on purpose"))
    }
}
