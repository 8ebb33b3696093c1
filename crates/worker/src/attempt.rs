//! The path of one attempt: connect, extract, plan, fetch, upload. It reads from top to bottom; every step is somebody else's work.
//!
//! Two ways lead off it: a link that turns out to be a list becomes jobs of its own ([`crate::listing`]), and what the person has already is
//! not brought again ([`crate::duplicate`]).

use std::sync::Arc;

use sluice_domain::{ByteSize, Failure, FailureKind, Job, MediaInfo, Phase, Plan, Receipt, plan};
use sluice_dropbox::{AccountClient, Previous, UploadSink};
use sluice_queue::{Described, Lease};
use sluice_source::{Extraction, Found, Layout};
use sluice_transfer::{Gate, Sink};
use sluice_wiring::Link;

use crate::{handler::JobHandler, journal::LeaseJournal, progress::reporting};

/// One attempt at one job.
pub(crate) struct Attempt<'a> {
    pub(crate) shared: &'a JobHandler,
    pub(crate) lease: &'a Lease,
    pub(crate) gate: &'a Gate,
    link: Link,
}

/// What an attempt that did not fail has come to.
#[derive(Debug)]
pub(crate) enum Reached {
    /// The file is in its place, proven.
    Landed(Receipt),
    /// The link was a list: its items are jobs now.
    Listed {
        /// The limit at which it was cut, if it was.
        cut_at: Option<u32>,
    },
    /// Another job of the same person brings the same.
    Duplicate(Box<Job>),
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
        let account = self.connect().await?;
        if let Some(receipt) = self.already_landed(&account).await? {
            return Ok(Reached::Landed(receipt));
        }
        if let Some(other) = self.duplicate_of(&account, &self.asked()).await? {
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
            && let Some(other) = self.duplicate_of(&account, &media).await?
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

    /// The owner's connection to Dropbox.
    async fn connect(&self) -> Result<AccountClient, Failure> {
        let owner = &self.job().account;
        let token = self
            .shared
            .store
            .accounts()
            .refresh_token(owner)
            .await
            .map_err(|error| Failure::internal(error.to_string()))?;
        let token = token.ok_or_else(|| Failure::new(FailureKind::DropboxDisconnected, "no refresh token"))?;
        Ok(self.shared.dropbox.account(owner, token))
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

    /// What the job was asked to bring, as far as the request tells.
    fn asked(&self) -> String {
        match self.job().item {
            Some(item) => format!("{} item {item}", self.job().url),
            None => self.job().url.to_string(),
        }
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

/// What the extractor calls the piece, the same behind every link to it. A plain file has no name but its link.
fn media_name(info: &MediaInfo) -> Option<String> {
    let named = !info.id.is_empty() && !info.extractor.is_empty() && !is_plain_file(info);
    named.then(|| format!("{}:{}", info.extractor, info.id))
}

/// Nothing that any site describes: what it is called is a guess from its link.
fn is_plain_file(info: &MediaInfo) -> bool {
    info.extractor.eq_ignore_ascii_case("generic")
}

fn described(info: &MediaInfo) -> Described {
    let title = Some(info.title.trim()).filter(|title| !title.is_empty()).map(str::to_owned);
    Described { title, thumbnail: info.thumbnail.clone(), duration: info.duration }
}

/// The account's free space. Unknown is no reason to stop: Dropbox itself refuses what does not fit.
async fn free_space(account: &AccountClient) -> Result<Option<ByteSize>, Failure> {
    match account.space().await {
        Ok(space) => Ok(Some(space.free())),
        Err(failure) if failure.is_transient() => {
            tracing::warn!(failure.kind = %failure.kind, failure.detail, "The free space is unknown; going on without it");
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}
