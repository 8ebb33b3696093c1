#![doc = include_str!("../README.md")]

mod backoff;
mod config;
mod error;
mod events;
mod handler;
mod items;
mod lease;
mod listen;
mod operator;
mod outcome;
mod queue;
mod recents;
mod record;
mod saving;
mod scripts;
mod stop;
mod worker;

pub use config::{QueueConfig, WorkerConfig};
pub use error::QueueError;
pub use events::JobEvent;
pub use handler::Handler;
pub use items::{Held, Taken};
pub use lease::{Described, Lease};
pub use operator::{AccountLoad, DeadEntry, Operator, Overview, WorkerSeen};
pub use outcome::Outcome;
pub use queue::{Depth, Enqueued, Queue, Waiting};
pub use recents::{BadCursor, Cursor, Page, RecentsQuery};
pub use saving::{Begun, Ended, Part, Save, Word};
pub use stop::{Stop, StopReason};
pub use worker::{HeldJob, Holder, Sent, run_workers};
