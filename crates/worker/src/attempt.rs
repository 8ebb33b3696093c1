//! The path of one attempt: connect, extract, plan, fetch, upload. It reads from top to bottom; every step is somebody else's work.

use std::{sync::Arc, time::Duration};

use sluice_domain::{ByteSize, Failure, FailureKind, Job, MediaInfo, Phase, Plan, Receipt, plan};
use sluice_dropbox::{AccountClient, UploadSink};
use sluice_queue::{Described, Lease};
use sluice_source::{Extraction, Fetched};
use sluice_transfer::{Gate, Sink};

use crate::{handler::JobHandler, journal::LeaseJournal, progress::reporting};

/// How long an extraction may be used again: media links expire after some hours, pages change sooner.
const PLAN_CACHE: Duration = Duration::from_secs(600);

/// One attempt at one job.
pub(crate) struct Attempt<'a> {
    shared: &'a JobHandler,
    lease: &'a Lease,
    gate: &'a Gate,
}

impl<'a> Attempt<'a> {
    pub(crate) fn new(shared: &'a JobHandler, lease: &'a Lease, gate: &'a Gate) -> Self {
        Self { shared, lease, gate }
    }

    fn job(&self) -> &'a Job {
        self.lease.job()
    }

    /// Carries it out.
    pub(crate) async fn run(&self) -> Result<Receipt, Failure> {
        let account = self.connect().await?;
        if let Some(receipt) = self.already_landed(&account).await? {
            return Ok(receipt);
        }
        self.lease.phase(Phase::Extracting).await?;
        let looking = Box::pin(async { tokio::try_join!(free_space(&account), self.extract()) });
        let (free_space, extraction) = self.gate.guard(looking).await?;
        if let Some(free) = free_space {
            self.gate.limit_to_free_space(free);
        }
        let plan = plan::plan(&extraction.info, self.job().preset, &self.shared.limits, free_space)?;
        self.lease.planned(plan.route, plan.length).await?;
        self.lease.phase(Phase::Transferring).await?;
        self.gate.expect(plan.length);
        reporting(self.lease, self.gate, self.transfer(&account, &plan, &extraction)).await
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
    async fn extract(&self) -> Result<Extraction, Failure> {
        let (url, cache) = (&self.job().url, self.shared.store.plans());
        let cached = cache.get(url).await.ok().flatten().and_then(|json| Extraction::from_json(json.into()).ok());
        let extraction = match cached {
            Some(extraction) => extraction,
            None => {
                let extraction = self.shared.extractor.extract(url, self.gate).await?;
                if let Err(error) = cache.put(url, &extraction.json, PLAN_CACHE).await {
                    tracing::debug!(%error, "The extraction is not cached");
                }
                extraction
            }
        };
        self.lease.describe(&described(&extraction.info)).await?;
        Ok(extraction)
    }

    /// Adds what only this place knows: what would fit instead, and that a cached extraction may be the cause.
    async fn judge_fetch(&self, failure: Failure, extraction: &Extraction) -> Failure {
        if failure.kind == FailureKind::TooLarge {
            let cap = self.shared.limits.max_file_bytes;
            let fits = plan::what_fits(&extraction.info, self.job().preset, cap, None);
            return Failure::too_large(self.gate.at_least(), cap, fits.as_deref());
        }
        if let Err(error) = self.shared.store.plans().forget(&self.job().url).await {
            tracing::debug!(%error, "The cached extraction stays");
        }
        failure
    }
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
