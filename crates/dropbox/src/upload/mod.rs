//! The sink: takes a whole source into one file of the account, or nothing.
//!
//! `session` brings the bytes over in order; `concurrent` brings long files over block by block, as the books in `ledger` have it and in
//! as many lanes as `lanes` finds useful. `feed` and `lane` read the source for them, through a `tap`; `relay` hands the open source from
//! one append to the next, and `held` bounds what a connection takes ahead of its line. `record` is what a later attempt goes on from.
//! `commit` makes the bytes a file, `names` finds a free name, `judge` knows what Dropbox's refusals mean. This module decides when to
//! begin again.

mod commit;
mod concurrent;
mod feed;
mod held;
mod judge;
mod lane;
mod lanes;
mod ledger;
mod names;
mod record;
mod relay;
mod session;
mod tap;

use std::sync::Arc;

use async_trait::async_trait;
use sluice_domain::{Checkpoint, Failure, FailureKind, FileName, Folder, Length, Receipt, UploadIntent};
use sluice_transfer::{Access, Gate, Journal, Sink, Source};

use self::{
    commit::{Ending, Step},
    concurrent::Concurrent,
    feed::Feed,
    names::Names,
    record::{Kind, Recorder, Resumed},
    session::Session,
};
use crate::{AccountClient, account::Found};

/// Upload sessions that may get lost before the attempt ends.
const MOST_SESSIONS: u32 = 3;

/// What an earlier attempt at the same job left on record.
#[derive(Debug, Clone, Default)]
pub struct Previous {
    /// What it was about to commit: if that file is there, nothing is uploaded.
    pub intent: Option<UploadIntent>,
    /// How far it came: its session is gone on with, if the source has the same fingerprint.
    pub checkpoint: Option<Checkpoint>,
}

/// Uploads one file.
pub struct UploadSink {
    client: AccountClient,
    folder: Folder,
    names: Names,
    previous: Previous,
    journal: Arc<dyn Journal>,
}

impl std::fmt::Debug for UploadSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UploadSink").field("folder", &self.folder).field("names", &self.names).finish_non_exhaustive()
    }
}

impl UploadSink {
    /// A sink for one file of this name in this folder.
    #[must_use]
    pub fn new(
        client: AccountClient,
        folder: Folder,
        name: FileName,
        previous: Previous,
        journal: Arc<dyn Journal>,
    ) -> Self {
        Self { client, folder, names: Names::new(name), previous, journal }
    }

    /// The file of an earlier attempt that committed without living to tell.
    async fn landed_before(&self) -> Result<Option<Receipt>, Failure> {
        let Some(previous) = &self.previous.intent else { return Ok(None) };
        Ok(match self.client.find(&previous.path).await? {
            Found::File(file) if file.is_that(previous) => Some(file.into()),
            Found::File(_) | Found::Other | Found::Nothing => None,
        })
    }

    /// One upload session that takes blocks side by side: all bytes, then the commit.
    async fn upload_side_by_side(
        &mut self,
        source: &dyn Source,
        total: u64,
        resumed: Option<Resumed>,
        recorder: &mut Recorder<'_>,
        gate: &Gate,
    ) -> Result<Ending, Failure> {
        let client = self.client.clone();
        let mut session = match resumed {
            Some(resumed) => Concurrent::resume(&client, source, total, resumed),
            None => gate.guard(Concurrent::start(&client, source, total)).await?,
        };
        if let Err(lost) = gate.guard(session.fill(recorder, gate)).await? {
            return Ok(Ending::Gone(lost.0));
        }
        Ok(match self.commit(&session.uploaded(), gate).await? {
            Step::Ended(ending) => ending,
            Step::Rewind(offset) => Ending::Gone(format!("the session has {offset} bytes instead of {total}")),
        })
    }

    /// The length, if so much is worth a concurrent session, and the source can be read in several places at once.
    fn worth_lanes(&self, source: &dyn Source) -> Option<u64> {
        let long = record::exact(source.length()).filter(|total| *total > self.client.tuning().concurrent_over);
        long.filter(|_| source.access() == Access::Random)
    }

    /// One upload session that takes one append after the other: all bytes, then the commit.
    async fn upload_in_order(
        &mut self,
        feed: &Feed<'_>,
        resumed: Option<Resumed>,
        recorder: &mut Recorder<'_>,
        gate: &Gate,
    ) -> Result<Ending, Failure> {
        let client = self.client.clone();
        let mut session = match resumed {
            Some(resumed) => Session::resume(&client, resumed, feed, recorder),
            None => gate.guard(Session::start(&client, feed, recorder)).await?,
        };
        loop {
            if let Err(lost) = gate.guard(session.fill(feed, recorder, gate)).await? {
                return Ok(Ending::Gone(lost.0));
            }
            match self.commit(&session.uploaded(feed), gate).await? {
                Step::Ended(ending) => return Ok(ending),
                Step::Rewind(offset) => {
                    if let Err(lost) = session.rewind(offset) {
                        return Ok(Ending::Gone(lost.0));
                    }
                }
            }
        }
    }
}

#[async_trait]
impl Sink for UploadSink {
    async fn take(&mut self, source: &dyn Source, gate: &Gate) -> Result<Receipt, Failure> {
        if let Length::Exact(size) = source.length()
            && size > judge::LARGEST_FILE
        {
            return Err(judge::too_large(size));
        }
        if let Some(receipt) = gate.guard(self.landed_before()).await? {
            gate.arrived(receipt.size);
            return Ok(receipt);
        }
        let journal = self.journal.clone();
        let mut recorder = Recorder::new(&*journal, source);
        let mut resumed = self.previous.checkpoint.take().and_then(|left| Resumed::from(&left, source));
        let is_of = |kind: Kind| move |resumed: &&Resumed| resumed.note.kind == kind;
        let mut feed = match resumed.as_ref().filter(is_of(Kind::Sequential)) {
            Some(resumed) => Feed::after(source, resumed.note.hashed.clone()),
            None => Feed::new(source),
        };
        let (mut lost, mut corrupted) = (0, false);
        loop {
            // What went wrong side by side may go well in order.
            let (is_new, last_try) = (resumed.is_none(), corrupted || lost + 1 == MOST_SESSIONS);
            let total = match &resumed {
                Some(resumed) if resumed.note.kind == Kind::Concurrent => record::exact(source.length()),
                Some(_) => None,
                None => self.worth_lanes(source).filter(|_| !last_try),
            };
            let ending = match total {
                Some(total) => self.upload_side_by_side(source, total, resumed.take(), &mut recorder, gate).await?,
                None => self.upload_in_order(&feed, resumed.take(), &mut recorder, gate).await?,
            };
            match ending {
                Ending::Landed(receipt) => return Ok(receipt),
                Ending::Corrupt if !corrupted && source.access() == Access::Random => {
                    corrupted = true;
                    feed = Feed::new(source);
                }
                Ending::Corrupt => return Err(corrupt()),
                Ending::Gone(why) => {
                    lost += u32::from(is_new);
                    tracing::warn!(why, lost, "The upload session is lost; the upload starts again");
                    if lost == MOST_SESSIONS {
                        return Err(Failure::new(FailureKind::DropboxBusy, format!("upload sessions get lost: {why}"))
                            .explained("Dropbox lost the upload several times. Retry in a while."));
                    }
                }
            }
        }
    }
}

fn corrupt() -> Failure {
    Failure::internal("the content hash of the committed file differs; it was deleted")
        .explained("What arrived in your Dropbox was not what was sent, so it was deleted again. Retry.")
}
