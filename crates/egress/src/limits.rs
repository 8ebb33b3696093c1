//! How much, and how long. Everything here that somebody else can make grow has a bound.

use std::time::Duration;

/// Addresses of one name that are looked at.
pub(crate) const MAX_ADDRESSES: usize = 16;
/// A name server that takes longer has no answer.
pub(crate) const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);
/// Between the first address of a name and the next, while the first does not answer.
pub(crate) const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(300);
/// Until one of them is connected.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Lines about refusals within [`LOG_PERIOD`].
pub(crate) const MAX_LOG_LINES: u32 = 20;
/// See [`MAX_LOG_LINES`].
pub(crate) const LOG_PERIOD: Duration = Duration::from_secs(60);

/// Until TLS is agreed on, over a connection that is there.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(15);
/// What a client reads at once and what it keeps of an answer's head, in bytes, unless it is told otherwise. By its own measure it would take up to four
/// hundred thousand from a connection whose reader is slow, and whoever holds a part of that holds all of it: most of the memory of a hundred streams.
pub const READ_BYTES: usize = 32 * 1024;
/// Idle connections of a client to one place, and how long they are kept.
pub(crate) const IDLE_CONNECTIONS_OF_HOST: usize = 8;
/// See [`IDLE_CONNECTIONS_OF_HOST`].
pub(crate) const KEPT_IDLE: Duration = Duration::from_secs(30);

/// Connections to the proxy at once, of all passes.
pub(crate) const MAX_CONNECTIONS: usize = 512;
/// Connections to the proxy at once, of one pass.
pub(crate) const MAX_CONNECTIONS_OF_ONE: usize = 64;
/// Connections to a gateway at once, and as many again from it; of all callers.
pub(crate) const MAX_CONNECTIONS_OF_GATEWAY: usize = 4096;
/// Ways out through a gateway at once, of one caller: a worker with all its children.
pub(crate) const MAX_CONNECTIONS_OF_CALLER: usize = 1024;
/// Callers of a gateway that are remembered; beyond this, those that hold nothing are forgotten.
pub(crate) const MAX_CALLERS: usize = 1024;
/// How long a gateway that was told to stop lets what passes go on.
pub(crate) const LAST_WORDS: Duration = Duration::from_secs(5);
/// The head of a request or an answer, in bytes. Signed links are long.
pub(crate) const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Header lines of a request or an answer.
pub(crate) const MAX_HEADERS: usize = 100;
/// What a tunnel holds of each direction, in bytes. With fewer, larger reads it passes on twice as much, for two thirds of the time.
pub(crate) const TUNNEL_BYTES: usize = 32 * 1024;
/// Until the head of a request is there, from the connection or from the answer before it.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// Until a site answers with a head.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// Without a byte in either direction.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(120);
