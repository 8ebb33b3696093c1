//! What a lease may do beyond its own record: make jobs of a list's items, and say what it is about to bring.

use sha2::{Digest as _, Sha256};
use sluice_domain::{Failure, FailureKind, Item, Job, JobId, SourceUrl};

use crate::{
    Lease,
    lease::{Said, plain_title},
    record::{self, Raw},
    scripts::With as _,
};

/// Lists within lists within a list: deeper than this, something goes round in circles.
const DEEPEST: u32 = 3;

/// What became of some items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// They are jobs now.
    All,
    /// None of them: so many of the account's jobs wait that it has to be tried later.
    Full,
}

/// Who brings a file?
#[derive(Debug, Clone, PartialEq)]
pub enum Held {
    /// This job.
    Mine,
    /// Another job of the account has brought it, or will.
    Other(Box<Job>),
}

impl Lease {
    /// Makes jobs of these items; those that are jobs already stay as they are. At most some fifty at a time: it is one step in Redis.
    ///
    /// # Errors
    /// As [`Lease::still_mine`]; and [`FailureKind::UnsupportedSite`] for lists that lie too deep within lists.
    pub async fn take_items(&self, items: &[Item], announced: Option<u32>) -> Result<Taken, Failure> {
        let queue = self.queue();
        let text = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
        let mut call = queue
            .call(&queue.scripts().expand)
            .with(self.job().id.as_str())
            .with(self.fence().0)
            .with(queue.config().user_queued)
            .with(DEEPEST)
            .with(text(announced));
        for item in items {
            let picture = item.thumbnail.as_deref().filter(|link| link.parse::<SourceUrl>().is_ok());
            let link = record::kept_link(queue.store(), &self.job().account, &item.url)
                .map_err(|error| Failure::internal(error.to_string()))?;
            call = call
                .with(item.number)
                .with(child_id(&self.job().id, item.number).as_str())
                .with(link)
                .with(text(item.item))
                .with(item.title.as_deref().map(plain_title).unwrap_or_default())
                .with(picture.unwrap_or_default())
                .with(item.duration.filter(|seconds| seconds.is_finite()).map(|s| s.to_string()).unwrap_or_default());
        }
        let said = self.ask(queue.run::<String>(&call)).await?;
        match said.as_str() {
            "full" => Ok(Taken::Full),
            "deep" => Err(Failure::new(FailureKind::UnsupportedSite, "lists within lists")
                .explained("This is a list of lists of lists. Send the link of one of them.")),
            word => self.heed(word).map(|()| Taken::All),
        }
    }

    /// Says that this job is about to bring the media called `what` (the extractor's name and id, or a link) in its preset to its folder,
    /// unless another job of the account does or has. `gone` is such a job whose file turned out to be there no more.
    ///
    /// # Errors
    /// As [`Lease::still_mine`].
    pub async fn hold(&self, what: &str, gone: Option<&JobId>) -> Result<Held, Failure> {
        let (queue, job) = (self.queue(), self.job());
        let stale = if job.force { "*" } else { gone.map(JobId::as_str).unwrap_or_default() };
        let call = queue
            .call(&queue.scripts().hold)
            .with(job.id.as_str())
            .with(self.fence().0)
            .with(record::mark(what, job.preset, &job.folder))
            .with(stale);
        let (word, raw): Said = self.ask(queue.verdict(&call)).await?;
        if word == "other" {
            let other = record::decode(queue.store(), raw.unwrap_or_else(Raw::new))
                .map_err(|error| Failure::internal(error.to_string()))?;
            if let Some(other) = other {
                return Ok(Held::Other(Box::new(other.job)));
            }
        }
        self.heed(&word).map(|()| Held::Mine)
    }
}

/// The id of an item's job: the same for the same item, so that a list that is read twice makes no job twice. As hard to guess as its list's.
fn child_id(list: &JobId, number: u32) -> JobId {
    let digest = Sha256::digest(format!("{list}/{number}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    JobId::from_random(bytes)
}
