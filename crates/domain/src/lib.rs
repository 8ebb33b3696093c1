//! The words and the pure rules of Sluice.
//!
//! Everything here is a value or a function of its arguments: no async, no I/O, no clock, no chance. Strings from outside are parsed
//! here once, at the edge ([`SourceUrl`], [`Preset`], [`Folder`], [`JobRequest`]); after that the types carry the proof.

mod attempt;
mod checkpoint;
mod failure;
mod format;
mod id;
mod items;
mod job;
mod limits;
mod media;
mod name;
mod path;
pub mod plan;
mod preset;
mod rate;
mod redact;
mod request;
mod size;
mod state;
mod url;

pub use attempt::{Attempt, AttemptEnd, MAX_ATTEMPTS_KEPT};
pub use checkpoint::Checkpoint;
pub use failure::{Failure, FailureKind, Permanence};
pub use format::{human_duration, human_rate};
pub use id::{AccountId, BadId, Fence, JobId};
pub use items::{Item, Items};
pub use job::{Destination, Job, JobError, Progress, Receipt, UploadIntent};
pub use limits::Limits;
pub use media::{Codec, Format, MediaInfo, Protocol};
pub use name::{BadFileName, FileName};
pub use path::{BadPath, Folder, RemotePath};
pub use plan::{Length, Plan, Refusal, Route};
pub use preset::{BadPreset, Preset};
pub use rate::{BadRate, Rate, RateLimit};
pub use request::{BadRequest, JobRequest, Origin};
pub use size::{BadSize, ByteSize};
pub use state::{JobState, Phase};
pub use url::{BadUrl, SourceUrl};
