#![doc = include_str!("../README.md")]

mod backoff;
mod config;
mod error;
mod events;
mod handler;
mod lease;
mod listen;
mod outcome;
mod queue;
mod recents;
mod record;
mod scripts;
mod stop;
mod worker;

pub use config::{QueueConfig, WorkerConfig};
pub use error::QueueError;
pub use events::JobEvent;
pub use handler::Handler;
pub use lease::{Described, Lease};
pub use outcome::Outcome;
pub use queue::{Depth, Enqueued, Queue};
pub use recents::{BadCursor, Cursor, Page, RecentsQuery};
pub use stop::{Stop, StopReason};
pub use worker::run_workers;
