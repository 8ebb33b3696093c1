//! The path of one attempt: connect, extract, plan, fetch, upload. It reads from top to bottom; every step is somebody else's work.
//!
//! Two ways lead off it: a link that turns out to be a list becomes jobs of its own ([`crate::listing`]), and what the person has already is
//! not brought again ([`crate::duplicate`]).

use std::sync::Arc;

use sluice_domain::{ByteSize, Failure, FailureKind, Job, MediaInfo, Phase, Plan, Receipt, plan};
use sluice_dropbox::{AccountClient, UploadSink};
use sluice_queue::{Described, Lease};
use sluice_source::{Extraction, Fetched, Found, List};
use sluice_transfer::{Gate, Sink};
use sluice_wiring::PLAN_CACHE;

use crate::{handler::JobHandler, journal::LeaseJournal, progress::reporting};

/// One attempt at one job.
pub(crate) struct Attempt<'a> {
    pub(crate) shared: &'a JobHandler,
    pub(crate) lease: &'a Lease,
    pub(crate) gate: &'a Gate,
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

/// What the link leads to.
enum Seen {
    Media(Extraction),
    List(List),
}

impl<'a> Attempt<'a> {
    pub(crate) fn new(shared: &'a JobHandler, lease: &'a Lease, gate: &'a Gate) -> Self {
        Self { shared, lease, gate }
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
        if let Some(other) = self.duplicate_of(&account, &self.link()).await? {
            return Ok(Reached::Duplicate(other));
        }
        self.lease.phase(Phase::Extracting).await?;
        let looking = Box::pin(async { tokio::try_join!(free_space(&account), self.extract()) });
        let (free_space, seen) = self.gate.guard(looking).await?;
        let extraction = match seen {
            Seen::Media(extraction) => extraction,
            Seen::List(list) => return self.take_apart(list).await,
        };
        if let Some(media) = media_name(&extraction.info)
            && let Some(other) = self.duplicate_of(&account, &media).await?
        {
            return Ok(Reached::Duplicate(other));
        }
        if let Some(free) = free_space {
            self.gate.limit_to_free_space(free);
        }
        let plan = plan::plan(&extraction.info, self.job().preset, &self.shared.limits, free_space)?;
        self.lease.planned(plan.route, plan.length).await?;
        self.lease.phase(Phase::Transferring).await?;
        self.gate.expect(plan.length);
        reporting(self.lease, self.gate, self.transfer(&account, &plan, &extraction)).await.map(Reached::Landed)
    }

    async fn transfer(
        &self,
        account: &AccountClient,
        plan: &Plan,
        extraction: &Extraction,
    ) -> Result<Receipt, Failure> {
        let Fetched { source, file_name } = match self.shared.routes.fetch(plan, extraction, self.gate).await {
            Ok(fetched) => fetched,
            Err(failure) => return Err(self.judge_fetch(failure, extraction).await),
        };
        self.gate.expect(source.length());
        let journal = Arc::new(LeaseJournal::new(self.lease.clone()));
        let mut sink =
            UploadSink::new(account.clone(), self.job().folder.clone(), file_name, self.job().intent.clone(), journal);
        sink.take(&*source, self.gate).await
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

    /// What the link leads to; from the cache when it was looked at a moment ago.
    async fn extract(&self) -> Result<Seen, Failure> {
        let (url, item, cache) = (&self.job().url, self.job().item, self.shared.store.plans());
        let cached = cache.get(url, item).await.ok().flatten().and_then(|json| Extraction::from_json(json.into()).ok());
        let mut extraction = match cached {
            Some(extraction) => extraction,
            None => match self.shared.extractor.extract(url, item, self.gate).await? {
                Found::List(list) => return Ok(Seen::List(list)),
                Found::Media(extraction) => {
                    if let Err(error) = cache.put(url, item, &extraction.json, PLAN_CACHE).await {
                        tracing::debug!(%error, "The extraction is not cached");
                    }
                    extraction
                }
            },
        };
        // A feed calls its item better than the name of a plain file does.
        if let (Some(_), Some(title)) = (&self.job().parent, &self.job().title)
            && is_plain_file(&extraction.info)
        {
            extraction.info.title.clone_from(title);
        }
        self.lease.describe(&described(&extraction.info)).await?;
        Ok(Seen::Media(extraction))
    }

    /// What the job was asked to bring, as far as the request tells.
    fn link(&self) -> String {
        match self.job().item {
            Some(item) => format!("{} item {item}", self.job().url),
            None => self.job().url.to_string(),
        }
    }

    /// Adds what only this place knows: what would fit instead, and that a cached extraction may be the cause.
    async fn judge_fetch(&self, failure: Failure, extraction: &Extraction) -> Failure {
        if failure.kind == FailureKind::TooLarge {
            let cap = self.shared.limits.max_file_bytes;
            let fits = plan::what_fits(&extraction.info, self.job().preset, cap, None);
            return Failure::too_large(self.gate.at_least(), cap, fits.as_deref());
        }
        if let Err(error) = self.shared.store.plans().forget(&self.job().url, self.job().item).await {
            tracing::debug!(%error, "The cached extraction stays");
        }
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
