//! What it means when Dropbox refuses an append or a commit: two tables, from Dropbox's words to what has to be done.

use dropbox_sdk::types::files::{
    UploadSessionAppendError, UploadSessionFinishError, UploadSessionLookupError, WriteConflictError, WriteError,
};
use sluice_domain::{ByteSize, Failure, FailureKind};

use crate::answer::{self, Said};

/// The largest file that Dropbox takes, in bytes (Dropbox API, `files/upload_session/start`).
pub(super) const LARGEST_FILE: u64 = (1 << 41) - (1 << 22);

/// What a refused append means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Append {
    /// The session is that long, with our bytes.
    Confirmed(u64),
    /// It has lost bytes.
    Rewind(u64),
    /// It makes no sense now: again, after a pause.
    Again,
    /// The session is of no use any more.
    Lost(&'static str),
    /// The body was too large.
    Smaller,
    /// The file is too large.
    TooLarge,
    /// Nothing that we know.
    Unknown,
}

/// What a refused commit means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Commit {
    /// The session is no more; perhaps because an earlier commit succeeded.
    Gone,
    /// The session is so long.
    Offset(u64),
    /// A concurrent session has holes, or is not closed.
    Incomplete,
    /// Another file has the name.
    Taken,
    /// Somebody writes to the account at this moment.
    Locked,
    /// Dropbox does not like the name.
    BadName,
    /// No space left.
    Full,
    /// A folder, or a file where a folder is needed, is in the way.
    InTheWay,
    /// Not allowed there.
    Forbidden,
    /// The folder demands encryption.
    Encryption,
    /// The plan's monthly uploads are used up.
    UsedUp,
    /// The file is too large.
    TooLarge,
    /// Nothing that we know.
    Unknown,
}

/// What a refused append means, when so many bytes were confirmed and so many ever handed out.
pub(super) fn append(problem: &UploadSessionAppendError, confirmed: u64, reach: u64) -> Append {
    use UploadSessionAppendError as Problem;
    match problem {
        Problem::IncorrectOffset(session) => match session.correct_offset {
            offset if offset == confirmed => Append::Again,
            offset if offset < confirmed => Append::Rewind(offset),
            offset if offset <= reach => Append::Confirmed(offset),
            _ => Append::Lost("somebody else writes to the session"),
        },
        Problem::NotFound => Append::Lost("the session is gone"),
        Problem::Closed => Append::Lost("somebody else has closed the session"),
        Problem::PayloadTooLarge => Append::Smaller,
        Problem::TooLarge => Append::TooLarge,
        // We announce no hash per append; whatever this means, nothing was appended.
        Problem::ContentHashMismatch => Append::Again,
        _ => Append::Unknown,
    }
}

/// What a refused append to a concurrent session means: such a session tells no offset.
pub(super) fn block(problem: &UploadSessionAppendError) -> Append {
    match problem {
        UploadSessionAppendError::IncorrectOffset(_) => Append::Lost("the session is not a concurrent one"),
        problem => append(problem, 0, 0),
    }
}

/// What the refusal of the closing append means: did an earlier one, or that of another worker, close the session?
pub(super) fn is_closed(problem: &UploadSessionAppendError, total: u64) -> bool {
    match problem {
        UploadSessionAppendError::Closed => true,
        UploadSessionAppendError::IncorrectOffset(session) => session.correct_offset == total,
        _ => false,
    }
}

/// What a refused commit means.
pub(super) fn commit(problem: &UploadSessionFinishError) -> Commit {
    use UploadSessionFinishError as Problem;
    match problem {
        Problem::LookupFailed(lookup) => match lookup {
            UploadSessionLookupError::NotFound | UploadSessionLookupError::Closed => Commit::Gone,
            UploadSessionLookupError::IncorrectOffset(session) => Commit::Offset(session.correct_offset),
            UploadSessionLookupError::TooLarge => Commit::TooLarge,
            _ => Commit::Unknown,
        },
        Problem::Path(path) => match path {
            WriteError::Conflict(WriteConflictError::File) => Commit::Taken,
            WriteError::Conflict(_) => Commit::InTheWay,
            WriteError::MalformedPath(_) | WriteError::DisallowedName => Commit::BadName,
            WriteError::InsufficientSpace
            | WriteError::TeamFolderInsufficientSpace
            | WriteError::MemberFolderInsufficientSpace => Commit::Full,
            WriteError::NoWritePermission
            | WriteError::AccessRestricted
            | WriteError::TeamFolder
            | WriteError::OperationSuppressed => Commit::Forbidden,
            WriteError::TooManyWriteOperations => Commit::Locked,
            WriteError::UploadTrafficLimitReached => Commit::UsedUp,
            _ => Commit::Unknown,
        },
        Problem::TooManyWriteOperations => Commit::Locked,
        Problem::ConcurrentSessionMissingData | Problem::ConcurrentSessionNotClosed => Commit::Incomplete,
        Problem::EncryptionNotSupported => Commit::Encryption,
        _ => Commit::Unknown,
    }
}

/// A refusal that stands.
pub(super) fn refusal(verdict: Commit, said: Said, size: u64) -> Failure {
    match verdict {
        Commit::InTheWay => said.failure(FailureKind::NameTaken, FailureKind::NameTaken.user_message()),
        Commit::Forbidden => said.failure(
            FailureKind::DropboxRefused,
            "Dropbox gives no permission to write to this folder. Choose another folder.",
        ),
        Commit::Encryption => {
            said.failure(FailureKind::DropboxRefused, "This folder takes encrypted files only. Choose another folder.")
        }
        Commit::UsedUp => {
            said.failure(FailureKind::DropboxRefused, "Your Dropbox plan allows no more uploads for now.")
        }
        Commit::TooLarge => too_large(size),
        _ => answer::refused(said),
    }
}

/// Larger than Dropbox takes.
pub(super) fn too_large(at_least: u64) -> Failure {
    Failure::too_large(ByteSize(at_least), ByteSize(LARGEST_FILE), None)
}

#[cfg(test)]
mod tests;
