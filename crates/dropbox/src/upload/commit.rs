//! Makes the bytes of a session a file, exactly once, even when the answer gets lost.
//!
//! A commit always has an empty body, never overwrites, never lets Dropbox rename. Committing content onto an equal file is no conflict and
//! writes nothing; so a conflict means other content, and whatever is repeated converges to one file.

use std::time::Duration;

use dropbox_sdk::types::files::{
    CommitInfo, UploadSessionCursor, UploadSessionFinishArg, UploadSessionFinishError, WriteMode,
};
use sluice_domain::{ByteSize, Failure, FailureKind, Receipt, UploadIntent};
use sluice_transfer::Gate;

use super::{
    UploadSink,
    judge::{self, Commit},
};
use crate::{
    FileMeta,
    account::Found,
    answer::{CallError, Said, Trouble},
    call::Outgoing,
    retry::Retry,
};

/// How long the last look for the file of an unanswered commit may take, after the gate has shut.
const LAST_LOOK: Duration = Duration::from_secs(2);

/// A session that has all bytes.
pub(super) struct Uploaded {
    /// Its id.
    pub(super) session: String,
    pub(super) size: u64,
    /// Of the bytes that were read.
    pub(super) content_hash: String,
}

/// How a session ended.
pub(super) enum Ending {
    /// The file is there.
    Landed(Receipt),
    /// The file was there, with another content than was sent. It is deleted.
    Corrupt,
    /// The session is gone, and no file came of it; why.
    Gone(String),
}

/// What a commit came to.
pub(super) enum Step {
    /// This session is done with.
    Ended(Ending),
    /// The session has only so many bytes after all.
    Rewind(u64),
}

/// What a look at the path, after an uncertain or refused commit, has shown.
enum Look {
    Ours(Receipt),
    Another,
    Nothing,
}

impl UploadSink {
    /// Commits under the first name that is free.
    pub(super) async fn commit(&mut self, uploaded: &Uploaded, gate: &Gate) -> Result<Step, Failure> {
        let client = self.client.clone();
        let mut retry = Retry::new(client.tuning());
        let mut unseen_conflicts = 0;
        loop {
            let intent = self.names.intent(&self.folder, uploaded.size, uploaded.content_hash.clone());
            let (verdict, said) = match self.finish(uploaded, &intent, gate).await? {
                Ok(file) => return self.prove(file, &intent, gate).await,
                // Nobody knows what happened: the file itself is asked.
                Err(CallError::Trouble(trouble @ Trouble::Lost(_))) => {
                    match self.look(&intent, gate).await? {
                        Look::Ours(receipt) => return Ok(landed(receipt, gate)),
                        Look::Another => self.names.taken()?,
                        Look::Nothing => gate.guard(retry.wait(&trouble)).await?,
                    }
                    continue;
                }
                Err(CallError::Trouble(trouble)) => {
                    gate.guard(retry.wait(&trouble)).await?;
                    continue;
                }
                Err(CallError::TooBig) => return Err(Failure::internal("an empty commit is too large")),
                Err(CallError::Failed(failure)) => return Err(failure),
                Err(CallError::Refused(problem, said)) => (judge::commit(&problem), said),
            };
            match verdict {
                Commit::Offset(offset) if offset == uploaded.size => {
                    gate.guard(retry.wait(&Trouble::Lost(said.detail))).await?;
                }
                Commit::Offset(offset) => return Ok(Step::Rewind(offset)),
                Commit::Incomplete => return Ok(Step::Ended(Ending::Gone(said.detail))),
                Commit::Locked => gate.guard(retry.wait(&Trouble::Locked(None))).await?,
                Commit::BadName => self.names.refused()?,
                Commit::Gone => match self.look(&intent, gate).await? {
                    Look::Ours(receipt) => return Ok(landed(receipt, gate)),
                    Look::Another => {
                        self.names.taken()?;
                        return Ok(Step::Ended(Ending::Gone(said.detail)));
                    }
                    Look::Nothing => return Ok(Step::Ended(Ending::Gone(said.detail))),
                },
                Commit::Taken => match self.look(&intent, gate).await? {
                    Look::Ours(receipt) => return Ok(landed(receipt, gate)),
                    Look::Another => self.names.taken()?,
                    // Just deleted, or not visible yet. A conflict means other content, so the next name is right if it stays.
                    Look::Nothing if unseen_conflicts == 0 => unseen_conflicts += 1,
                    Look::Nothing => self.names.taken()?,
                },
                Commit::Full => return Err(self.full(uploaded.size, gate).await),
                final_verdict => return Err(judge::refusal(final_verdict, said, uploaded.size)),
            }
        }
    }

    /// One commit. The intent goes on record before each, which also proves that the job is still ours.
    async fn finish(
        &self,
        uploaded: &Uploaded,
        intent: &UploadIntent,
        gate: &Gate,
    ) -> Result<Result<FileMeta, CallError<UploadSessionFinishError>>, Failure> {
        let tuning = self.client.tuning();
        let _turn = gate.guard(async { Ok(self.client.turn_to_commit().await) }).await?;
        gate.guard(self.journal.before_commit(intent)).await?;
        let cursor = UploadSessionCursor::new(uploaded.session.clone(), uploaded.size);
        let argument = UploadSessionFinishArg::new(cursor, commit_info(&intent.path));
        let out = Outgoing::nothing(tuning.finish_timeout);
        tokio::select! {
            biased;
            answer = self.client.once(&argument, out) => Ok(answer.map(|file| FileMeta::new(&intent.path, file))),
            // What is on its way may still land. If it tells so soon, it is told so.
            reason = async {
                let reason = gate.when_shut().await;
                tokio::time::sleep(tuning.commit_grace).await;
                reason
            } => self.last_look(intent).await.map(Ok).ok_or(reason),
        }
    }

    /// The person was told to wait long enough, and the answer did not come; but the file may be there. Nobody is told "cancelled" about
    /// a file that landed, as far as one more question can tell.
    async fn last_look(&self, intent: &UploadIntent) -> Option<FileMeta> {
        match tokio::time::timeout(LAST_LOOK, self.client.find(&intent.path)).await {
            Ok(Ok(Found::File(file))) if self.is_ours(&file, intent) => Some(file),
            _ => None,
        }
    }

    /// Compares what was committed with what was sent. What differs is deleted: exactly that revision, nothing else.
    async fn prove(&self, file: FileMeta, intent: &UploadIntent, gate: &Gate) -> Result<Step, Failure> {
        if file.is_that(intent) {
            return Ok(landed(file.into(), gate));
        }
        if file.content_hash.is_empty() {
            return Err(Failure::internal("Dropbox told no content hash"));
        }
        tracing::error!(
            file.path,
            file.rev,
            file.size,
            file.content_hash,
            intent.size,
            intent.content_hash,
            "The committed file differs"
        );
        gate.guard(self.client.delete_revision(&file)).await?;
        Ok(Step::Ended(Ending::Corrupt))
    }

    /// Is our file there? It may take some seconds to show.
    async fn look(&self, intent: &UploadIntent, gate: &Gate) -> Result<Look, Failure> {
        let mut waits = self.client.tuning().settle_waits.into_iter();
        loop {
            match gate.guard(self.client.find(&intent.path)).await? {
                Found::File(file) if self.is_ours(&file, intent) => return Ok(Look::Ours(file.into())),
                Found::File(_) => return Ok(Look::Another),
                Found::Other => {
                    let said = Said { detail: format!("a folder is at {}", intent.path), to_user: None };
                    return Err(judge::refusal(Commit::InTheWay, said, intent.size));
                }
                Found::Nothing => {}
            }
            let Some(wait) = waits.next() else { return Ok(Look::Nothing) };
            let pause = async {
                tokio::time::sleep(wait).await;
                Ok(())
            };
            gate.guard(pause).await?;
        }
    }

    /// What we sent; or what an earlier attempt of the same job committed, whose commit took longer than its worker lived.
    fn is_ours(&self, file: &FileMeta, intent: &UploadIntent) -> bool {
        file.is_that(intent)
            || self
                .previous
                .intent
                .as_ref()
                .is_some_and(|previous| previous.path == intent.path && file.is_that(previous))
    }

    /// With the figures, if Dropbox tells them.
    async fn full(&self, needs: u64, gate: &Gate) -> Failure {
        match gate.guard(self.client.space()).await {
            Ok(space) => Failure::quota(ByteSize(needs), space.free()),
            Err(_) => Failure::new(FailureKind::QuotaExceeded, format!("insufficient_space for {needs} bytes")),
        }
    }
}

fn landed(receipt: Receipt, gate: &Gate) -> Step {
    gate.arrived(receipt.size);
    Step::Ended(Ending::Landed(receipt))
}

fn commit_info(path: &str) -> CommitInfo {
    CommitInfo::new(path.to_owned()).with_mode(WriteMode::Add).with_autorename(false).with_strict_conflict(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::argument;

    #[test]
    fn a_commit_never_overwrites_and_never_renames() {
        let info = commit_info("/a/🎬.mp4");
        assert_eq!((&info.mode, info.autorename, info.strict_conflict), (&WriteMode::Add, false, false));
        let header = argument::header(&UploadSessionFinishArg::new(UploadSessionCursor::new("s".into(), 5), info));
        assert!(header.unwrap().to_str().unwrap().contains(r#""path":"/a/\ud83c\udfac.mp4""#));
    }
}
