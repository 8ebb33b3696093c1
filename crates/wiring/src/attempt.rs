//! What every attempt at bringing a file into a Dropbox does, whoever makes it: a worker, or a web server that gives the file to a device at
//! the same time. The order of the steps is theirs; that two of them judge an end, a duplicate or a connection differently is not.

mod account;
mod duplicate;
mod journal;
mod outcome;
mod progress;

use sluice_domain::{Job, MediaInfo};
use sluice_queue::Described;

pub use account::{connect, free_space, mark_disconnected};
pub use duplicate::duplicate_of;
pub use journal::LeaseJournal;
pub use outcome::{Reached, outcome, shut_when_stopped};
pub use progress::reporting;

/// What a job was asked to bring, as far as the request tells.
#[must_use]
pub fn asked(job: &Job) -> String {
    match job.item {
        Some(item) => format!("{} item {item}", job.url),
        None => job.url.to_string(),
    }
}

/// What the extractor calls the piece, the same behind every link to it. A plain file has no name but its link.
#[must_use]
pub fn media_name(info: &MediaInfo) -> Option<String> {
    let named = !info.id.is_empty() && !info.extractor.is_empty() && !is_plain_file(info);
    named.then(|| format!("{}:{}", info.extractor, info.id))
}

/// Nothing that any site describes: what it is called is a guess from its link.
#[must_use]
pub fn is_plain_file(info: &MediaInfo) -> bool {
    info.extractor.eq_ignore_ascii_case("generic")
}

/// What the site says of it, for the record.
#[must_use]
pub fn described(info: &MediaInfo) -> Described {
    let title = Some(info.title.trim()).filter(|title| !title.is_empty()).map(str::to_owned);
    Described { title, thumbnail: info.thumbnail.clone(), duration: info.duration }
}
