//! The path of one attempt: connect, extract, plan, fetch, upload. It reads from top to bottom; every step is somebody else's work.
//!
//! Two ways lead off it: a link that turns out to be a list becomes jobs of its own ([`crate::listing`]), and what the person has already is
//! not brought again ([`duplicate_of`]).

use std::sync::Arc;

use sluice_domain::{Failure, FailureKind, Job, MediaInfo, Phase, Plan, Receipt, plan};
use sluice_dropbox::{AccountClient, Previous, UploadSink};
use sluice_queue::Lease;
use sluice_source::{Extraction, Found, Layout};
use sluice_transfer::{Gate, Sink};
use sluice_wiring::{
    Link,
    attempt::{
        LeaseJournal, Reached, asked, connect, described, duplicate_of, free_space, is_plain_file, media_name,
        reporting,
    },
};

use crate::handler::JobHandler;

/// One attempt at one job.
pub(crate) struct Attempt<'a> {
    pub(crate) shared: &'a JobHandler,
    pub(crate) lease: &'a Lease,
    pub(crate) gate: &'a Gate,
    link: Link,
}

impl<'a> Attempt<'a> {
    pub(crate) fn new(shared: &'a JobHandler, lease: &'a Lease, gate: &'a Gate) -> Self {
        let job = lease.job();
        let link = Link::new(shared.extractor.clone(), shared.store.clone(), job.url.clone(), job.item, gate.clone());
        Self { shared, lease, gate, link }
    }

    pub(crate) fn job(&self) -> &'a Job {
        self.lease.job()
    }

    /// Carries it out.
    pub(crate) async fn run(&self) -> Result<Reached, Failure> {
        let account = connect(&self.shared.store, &self.shared.dropbox, &self.job().account).await?;
        if let Some(receipt) = self.already_landed(&account).await? {
            return Ok(Reached::Landed(receipt));
        }
        if let Some(other) = duplicate_of(self.lease, self.gate, &account, &asked(self.job())).await? {
            return Ok(Reached::Duplicate(other));
        }
        self.lease.phase(Phase::Extracting).await?;
        let looking = Box::pin(async { tokio::try_join!(free_space(&account), self.extract()) });
        let (free_space, seen) = self.gate.guard(looking).await?;
        let extraction = match seen {
            Found::Media(extraction) => extraction,
            Found::List(list) => return self.take_apart(list).await,
        };
        if let Some(media) = media_name(&extraction.info)
            && let Some(other) = duplicate_of(self.lease, self.gate, &account, &media).await?
        {
            return Ok(Reached::Duplicate(other));
        }
        if let Some(free) = free_space {
            self.gate.limit_to_free_space(free);
        }
        let mut plan = plan::plan(&extraction.info, self.job().preset, &self.shared.limits, free_space)?;
        plan.route = plan.route.after(&self.job().attempts);
        self.lease.planned(plan.route, plan.length).await?;
        self.lease.phase(Phase::Transferring).await?;
        self.gate.expect(plan.length);
        reporting(self.lease, self.gate, self.transfer(&account, &plan, extraction)).await.map(Reached::Landed)
    }

    async fn transfer(&self, account: &AccountClient, plan: &Plan, extraction: Extraction) -> Result<Receipt, Failure> {
        let info = &extraction.info;
        let renew = Arc::new(self.link.clone());
        let fetched = match self.shared.routes.fetch(plan, &extraction, Layout::Hybrid, renew, self.gate).await {
            Ok(fetched) => fetched,
            Err(failure) => return Err(self.judge_fetch(failure, info).await),
        };
        self.lease.planned(fetched.route, fetched.source.length()).await?;
        self.gate.expect(fetched.source.length());
        let journal = Arc::new(LeaseJournal::new(self.lease.clone()));
        let previous = Previous { intent: self.job().intent.clone(), checkpoint: self.job().checkpoint.clone() };
        let mut sink =
            UploadSink::new(account.clone(), self.job().folder.clone(), fetched.file_name, previous, journal);
        match sink.take(&*fetched.source, self.gate).await {
            Ok(receipt) => Ok(receipt),
            Err(failure) => Err(self.judge_fetch(failure, info).await),
        }
    }

    /// An earlier attempt may have committed without living to tell: its intent says where to look.
    async fn already_landed(&self, account: &AccountClient) -> Result<Option<Receipt>, Failure> {
        let Some(intent) = &self.job().intent else { return Ok(None) };
        let found = self.gate.guard(account.metadata(&intent.path)).await?;
        Ok(found.filter(|file| file.is_that(intent)).map(Receipt::from))
    }

    /// What the link leads to.
    async fn extract(&self) -> Result<Found, Failure> {
        let mut extraction = match self.link.look().await? {
            Found::Media(extraction) => extraction,
            list @ Found::List(_) => return Ok(list),
        };
        // A feed calls its item better than the name of a plain file does.
        if let (Some(_), Some(title)) = (&self.job().parent, &self.job().title)
            && is_plain_file(&extraction.info)
        {
            extraction.info.title.clone_from(title);
        }
        self.lease.describe(&described(&extraction.info)).await?;
        Ok(Found::Media(extraction))
    }

    /// Adds what only this place knows: what would fit instead, and that a cached extraction may be the cause.
    async fn judge_fetch(&self, failure: Failure, info: &MediaInfo) -> Failure {
        if failure.kind == FailureKind::TooLarge && self.gate.check().is_err() {
            let cap = self.shared.limits.max_file_bytes;
            let fits = plan::what_fits(info, self.job().preset, cap, None);
            return Failure::too_large(self.gate.at_least(), cap, fits.as_deref());
        }
        self.link.forget().await;
        failure
    }
}
