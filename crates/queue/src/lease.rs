//! The right of one worker to work on one job, and all that it may write meanwhile. Every write names its fence and is refused when
//! another worker has the job.

use std::{sync::Arc, time::Duration};

use sluice_domain::{
    Checkpoint, Failure, FailureKind, Fence, Job, Length, Phase, Progress, Route, SourceUrl, UploadIntent,
};
use tokio::sync::watch;

use crate::{
    Queue, QueueError, Stop, StopReason,
    record::{Field, Raw, json, progress_of, word},
    scripts::With as _,
};

/// Progress is written this often at most.
const PROGRESS_PAUSE: Duration = Duration::from_millis(250);

/// The longest title that is kept, in characters. Sites are not to be trusted with our memory.
const MAX_TITLE_CHARS: usize = 500;

/// What a site says about a piece of media. Titles are cut to a sane length and lose their control characters; a picture that is no http link is left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Described {
    /// The title.
    pub title: Option<String>,
    /// The address of a picture.
    pub thumbnail: Option<String>,
    /// Seconds of media.
    pub duration: Option<f64>,
}

impl Described {
    /// What is known of it, for the record.
    pub(crate) fn fields(&self) -> Vec<Field> {
        let fields = [
            ("title", self.title.as_deref().map(plain_title)),
            ("thumbnail", self.thumbnail.clone().filter(|picture| picture.parse::<SourceUrl>().is_ok())),
            ("duration", self.duration.filter(|seconds| seconds.is_finite()).map(|seconds| seconds.to_string())),
        ];
        fields.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))).collect()
    }
}

/// A running job in the hands of a worker. Clones share it.
#[derive(Clone, Debug)]
pub struct Lease(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    queue: Queue,
    job: Job,
    fence: Fence,
    stop: Stop,
    /// The last progress that was told; written by [`Lease::report`].
    progress: watch::Sender<Progress>,
}

impl Lease {
    pub(crate) fn new(queue: Queue, job: Job, fence: Fence, stop: Stop) -> Self {
        let progress = watch::Sender::new(job.progress);
        Self(Arc::new(Inner { queue, job, fence, stop, progress }))
    }

    /// The job as it was when it was claimed.
    #[must_use]
    pub fn job(&self) -> &Job {
        &self.0.job
    }

    /// The fence of this claim.
    #[must_use]
    pub fn fence(&self) -> Fence {
        self.0.fence
    }

    /// Tells when and why to stop.
    #[must_use]
    pub fn stop(&self) -> &Stop {
        &self.0.stop
    }

    /// Is the job still ours, and still wanted? To be asked before anything becomes visible. It fails closed: while Redis does not
    /// answer, it waits, and ends with an error when the lease is lost meanwhile.
    ///
    /// # Errors
    /// When it is not, or nobody can tell.
    pub async fn still_mine(&self) -> Result<(), Failure> {
        self.write(&[]).await
    }

    /// What the job is doing now.
    ///
    /// # Errors
    /// As [`Lease::still_mine`]; then nothing was written.
    pub async fn phase(&self, phase: Phase) -> Result<(), Failure> {
        self.write(&[("phase", word(phase))]).await
    }

    /// What the site says about it. What is unknown stays as it was.
    ///
    /// # Errors
    /// As [`Lease::still_mine`]; then nothing was written.
    pub async fn describe(&self, described: &Described) -> Result<(), Failure> {
        self.write(&described.fields()).await
    }

    /// How the bytes will travel, and how many there will be.
    ///
    /// # Errors
    /// As [`Lease::still_mine`]; then nothing was written.
    pub async fn planned(&self, route: Route, length: Length) -> Result<(), Failure> {
        let progress = progress_of(length);
        self.0.progress.send_replace(progress);
        self.write(&[("route", word(route)), ("progress", json(&progress))]).await
    }

    /// How far it is. Returns at once: the last word of each quarter second is written.
    pub fn progress(&self, progress: Progress) {
        self.0.progress.send_if_modified(|current| std::mem::replace(current, progress) != progress);
    }

    /// What is about to be committed. Only after this returned `Ok` may it be committed.
    ///
    /// # Errors
    /// As [`Lease::still_mine`]; then nothing may be committed.
    pub async fn intent(&self, intent: &UploadIntent) -> Result<(), Failure> {
        self.write(&[("intent", json(intent))]).await
    }

    /// How far the upload is, for whoever has to go on with it.
    ///
    /// # Errors
    /// As [`Lease::still_mine`]; then nothing was written.
    pub async fn checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), Failure> {
        self.write(&[("checkpoint", json(checkpoint))]).await
    }

    /// Writes progress as it is told, until dropped. Faults are left to the heartbeat: progress is not worth a job.
    pub(crate) async fn report(&self) -> std::convert::Infallible {
        let mut told = self.0.progress.subscribe();
        loop {
            if told.changed().await.is_err() {
                return std::future::pending().await;
            }
            let progress = *told.borrow_and_update();
            let _ = self.write(&[("progress", json(&progress))]).await;
            tokio::time::sleep(PROGRESS_PAUSE).await;
        }
    }

    /// The progress told last.
    pub(crate) fn last_progress(&self) -> Progress {
        *self.0.progress.borrow()
    }

    pub(crate) fn queue(&self) -> &Queue {
        &self.0.queue
    }

    async fn write(&self, fields: &[Field]) -> Result<(), Failure> {
        let lease = &self.0;
        let call =
            lease.queue.call(&lease.queue.scripts().note).with(lease.job.id.as_str()).with(lease.fence.0).with(fields);
        let word = self.ask(lease.queue.run::<String>(&call)).await?;
        self.heed(&word)
    }

    /// Waits for Redis's answer, or for a reason to stop, whichever comes first.
    pub(crate) async fn ask<T>(&self, answer: impl Future<Output = Result<T, QueueError>>) -> Result<T, Failure> {
        tokio::select! {
            biased;
            reason = self.0.stop.at_least(StopReason::Cancelled) => Err(stopped(reason)),
            answer = answer => answer.map_err(|error| unwritten(&error)),
        }
    }

    /// What a script says of the lease: "mine", "cancel" or "lost".
    pub(crate) fn heed(&self, word: &str) -> Result<(), Failure> {
        let reason = match word {
            "mine" => return Ok(()),
            "cancel" => StopReason::Cancelled,
            _ => StopReason::LeaseLost,
        };
        self.0.stop.tell(reason);
        Err(stopped(reason))
    }
}

/// A word and sometimes a record, as several scripts answer.
pub(crate) type Said = (String, Option<Raw>);

/// A title is shown on terminals too: nothing in it may move the cursor, ring the bell or end the line.
pub(crate) fn plain_title(title: &str) -> String {
    title.chars().take(MAX_TITLE_CHARS).map(|char| if char.is_control() { ' ' } else { char }).collect()
}

fn stopped(reason: StopReason) -> Failure {
    match reason {
        StopReason::Cancelled => Failure::new(FailureKind::Cancelled, "cancelled by its owner"),
        StopReason::Drain => Failure::internal("the worker shuts down").transient(),
        StopReason::LeaseLost => Failure::internal("another worker has the job").transient(),
    }
}

fn unwritten(error: &QueueError) -> Failure {
    Failure::internal(format!("the job's record cannot be written: {error}")).transient()
}
