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
/// Positions are offsets in the content, not in one response: a range that begins behind a position meets it at once.
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
    /// Send nothing more where this byte is due, and keep the connection.
    pub stall_at: Option<u64>,
    /// Pace of each response.
    pub bytes_per_second: Option<u64>,
    /// Serve only this many `GET`s so and all later ones well; without it, for ever.
    pub times: Option<u32>,
}

impl Delivery {
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

    /// Falls silent where byte `offset` is due.
    pub fn stall_at(offset: u64) -> Self {
        Self { stall_at: Some(offset), ..Self::default() }
    }

    /// Sends so many bytes per second.
    pub fn paced(bytes_per_second: u64) -> Self {
        Self { bytes_per_second: Some(bytes_per_second), ..Self::default() }
    }

    /// The same for the next `count` downloads only.
    pub fn times(self, count: u32) -> Self {
        Self { times: Some(count), ..self }
    }
}
