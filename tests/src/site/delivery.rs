//! How a path is served when not simply well: faults and slowness as data.

use serde::{Deserialize, Serialize};

/// What a response says about its length beforehand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Announce {
    /// `Content-Length`, `Accept-Ranges`, `ETag`; ranges are served.
    #[default]
    Honest,
    /// Nothing: chunked, and ranges are ignored.
    Nothing,
    /// Every response claims this `Content-Length`; with a larger one the body ends too early. Ranges are ignored.
    Claim(u64),
    /// `HEAD` claims this length, `GET` is chunked and sends what there is. Ranges are ignored.
    ClaimInHead(u64),
}

/// A way of serving one path. The default is flawless and as fast as it goes.
///
/// Positions are offsets in the content, not in one response: a range that begins behind a position meets it at once, and one that ends before
/// it does not count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Delivery {
    /// Answer with this status and a short text instead of the content.
    pub status: Option<u16>,
    /// `Retry-After` in seconds beside `status`.
    pub retry_after_s: Option<u32>,
    /// What the response says about its length.
    pub announce: Announce,
    /// Close the connection where this byte is due.
    pub cut_at: Option<u64>,
    /// Reset it (RST) instead of closing it; what is under way then is lost as well.
    pub reset: bool,
    /// Send nothing more where this byte is due, and keep the connection.
    pub stall_at: Option<u64>,
    /// Pace of each response.
    pub bytes_per_second: Option<u64>,
    /// The very same address, with its query, is good for so many bytes: then what runs on it is cut, and later requests get 403.
    pub link_bytes: Option<u64>,
    /// Serve this many `GET`s well first.
    pub after: u32,
    /// Serve only this many `GET`s so and all later ones well; without it, for ever.
    pub times: Option<u32>,
}

impl Delivery {
    /// Where in the content something happens; `None` when it concerns the whole response.
    pub(super) fn begins_at(&self) -> Option<u64> {
        [self.cut_at, self.stall_at].into_iter().flatten().min().filter(|_| self.status.is_none())
    }

    /// Answers with `status`.
    pub fn status(status: u16) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// Says nothing about the length.
    pub fn chunked() -> Self {
        Self { announce: Announce::Nothing, ..Self::default() }
    }

    /// Ends where byte `offset` is due, although more was announced.
    pub fn cut_at(offset: u64) -> Self {
        Self { cut_at: Some(offset), ..Self::default() }
    }

    /// Resets the connection where byte `offset` is due.
    pub fn reset_at(offset: u64) -> Self {
        Self { reset: true, ..Self::cut_at(offset) }
    }

    /// Each address is good for so many bytes.
    pub fn expiring(bytes: u64) -> Self {
        Self { link_bytes: Some(bytes), ..Self::default() }
    }

    /// Falls silent where byte `offset` is due.
    pub fn stall_at(offset: u64) -> Self {
        Self { stall_at: Some(offset), ..Self::default() }
    }

    /// Sends so many bytes per second.
    pub fn paced(bytes_per_second: u64) -> Self {
        Self { bytes_per_second: Some(bytes_per_second), ..Self::default() }
    }

    /// The same, but the next `count` downloads are served well.
    pub fn after(self, count: u32) -> Self {
        Self { after: count, ..self }
    }

    /// The same for the next `count` downloads only.
    pub fn times(self, count: u32) -> Self {
        Self { times: Some(count), ..self }
    }
}
