//! Files that a person's device takes straight from a web process: on record like every other job, counted in the person's share of the
//! house, and ended by the person like one. No worker has them, so they have no lease and no fence; see `lua/saving.lua`.

use std::ops::Range;

use jiff::Timestamp;
use sluice_domain::{
    AccountId, Failure, Folder, JobError, JobId, JobRequest, Length, Origin, Preset, Route, SourceUrl,
};

use crate::{
    Described, Queue, QueueError,
    queue::millis,
    record::{self, Field, json, progress_of, word},
    scripts::With as _,
};

/// Jobs in one step.
const STEP: u32 = 100;

/// A file that a device takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Save {
    /// The link.
    pub url: SourceUrl,
    /// Which item behind it.
    pub item: Option<u32>,
    /// The quality.
    pub preset: Preset,
    /// Where it was asked for.
    pub origin: Origin,
    /// What the site says of it.
    pub described: Described,
    /// How the bytes travel.
    pub route: Route,
    /// How many there are.
    pub length: Length,
    /// What the bytes are known by; connections that give the same bytes belong to one job.
    pub known_by: String,
}

/// What came of a device's wish.
#[derive(Debug)]
pub enum Begun {
    /// It is on record.
    Part(Part),
    /// The account's devices have enough connections.
    Full {
        /// `limits.streams`.
        limit: u32,
    },
    /// The person has cancelled this file; whoever only goes on with it shall not.
    Barred,
}

/// One connection over which a device takes a file, or a part of one.
#[derive(Debug, Clone)]
pub struct Part {
    queue: Queue,
    account: AccountId,
    job: JobId,
    name: String,
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Yes.
    GoOn,
    /// The person has cancelled it.
    Cancel,
}

/// How a connection came to its end.
#[derive(Debug, Clone, Copy)]
pub enum Ended<'a> {
    /// All that it asked for was given; `whole`: from the first byte to the last that there is.
    Given {
        /// From the first byte to the last that there is?
        whole: bool,
    },
    /// The device took no more.
    Left,
    /// The source broke.
    Torn(&'a Failure),
}

impl Queue {
    /// A device begins to take this file, or with `from_start` false goes on with it.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn save(&self, account: &AccountId, save: &Save, from_start: bool) -> Result<Begun, QueueError> {
        let (id, name) = (JobId::from_random(rand::random()), hex::encode(rand::random::<[u8; 8]>()));
        let limit = self.config().streams;
        let (folder, link) = (Folder::default(), record::kept_link(self.store(), account, &save.url)?);
        let call = self
            .call(&self.scripts().save)
            .with("open")
            .with(account.as_str())
            .with(id.as_str())
            .with(&name)
            .with(millis(self.config().stream_lapses))
            .with(limit)
            .with(record::mark(&format!("device {}", save.known_by), save.preset, &folder))
            .with(u8::from(from_start))
            .with(fields(save, folder, link, Timestamp::now()));
        let said: Vec<String> = self.run(&call).await?;
        Ok(match (said.first().map(String::as_str), said.get(1)) {
            (Some("part"), Some(job)) => {
                let job = job.parse().map_err(|error| sluice_store::StoreError::corrupt("job", &error))?;
                Begun::Part(Part { queue: self.clone(), account: account.clone(), job, name })
            }
            (Some("barred"), _) => Begun::Barred,
            _ => Begun::Full { limit },
        })
    }

    /// Ends what no device takes any more and nobody speaks for. Every worker and every web process does it now and then.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn lapse(&self) -> Result<(), QueueError> {
        let call = self.call(&self.scripts().save).with("lapse").with(STEP);
        while self.run::<(String, u32)>(&call).await?.1 >= STEP {}
        Ok(())
    }
}

impl Part {
    /// The job that it belongs to.
    #[must_use]
    pub fn job(&self) -> &JobId {
        &self.job
    }

    /// It lives, and has given these bytes of the file so far. To be said more often than `stream_lapses`.
    ///
    /// # Errors
    /// When Redis does not answer; the device need not care.
    pub async fn beat(&self, given: &Range<u64>) -> Result<Word, QueueError> {
        let lapses = millis(self.queue.config().stream_lapses);
        let call = self.call("beat").with(lapses).with(given.start).with(given.end);
        Ok(match self.queue.run::<Vec<String>>(&call).await?.first().map(String::as_str) {
            Some("on") => Word::GoOn,
            _ => Word::Cancel,
        })
    }

    /// It is over, and has given these bytes of the file.
    ///
    /// # Errors
    /// When Redis does not answer; then it lapses.
    pub async fn close(self, given: &Range<u64>, ended: Ended<'_>) -> Result<(), QueueError> {
        let torn = match ended {
            Ended::Torn(failure) => json(&JobError::from(failure)),
            Ended::Given { .. } | Ended::Left => String::new(),
        };
        let lingers = self.queue.config().stream_lingers;
        let call = self
            .call("close")
            .with(millis(lingers))
            .with(given.start)
            .with(given.end)
            .with(u8::from(matches!(ended, Ended::Given { whole: true })))
            .with(torn);
        self.queue.run::<Vec<String>>(&call).await?;
        tokio::time::sleep(lingers).await;
        self.queue.lapse().await
    }

    fn call(&self, verb: &str) -> redis::ScriptInvocation<'_> {
        let call = self.queue.call(&self.queue.scripts().save).with(verb);
        call.with(self.account.as_str()).with(self.job.as_str()).with(&self.name)
    }
}

/// What a new record begins with.
fn fields(save: &Save, folder: Folder, link: String, now: Timestamp) -> Vec<Field> {
    let request = JobRequest {
        url: save.url.clone(),
        preset: save.preset,
        folder,
        idempotency_key: None,
        origin: save.origin,
        force: false,
    };
    let mut fields = record::encode(&request, link, now);
    fields.extend(save.described.fields());
    fields.extend(save.item.map(|item| ("item", item.to_string())));
    fields.extend([("route", word(save.route)), ("progress", json(&progress_of(save.length)))]);
    fields
}
