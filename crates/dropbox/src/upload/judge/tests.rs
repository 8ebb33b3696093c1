use dropbox_sdk::types::files::UploadSessionOffsetError;

use super::*;

/// As Dropbox words it.
#[track_caller]
fn check(error: &str, want: Commit) {
    let problem: UploadSessionFinishError = serde_json::from_str(error).unwrap_or_else(|why| panic!("{error}: {why}"));
    assert_eq!(commit(&problem), want, "{error}");
}

#[test]
fn every_refused_commit_has_a_meaning() {
    let lookup = |error: &str, want| check(&format!(r#"{{".tag": "lookup_failed", "lookup_failed": {error}}}"#), want);
    lookup(r#"{".tag": "not_found"}"#, Commit::Gone);
    lookup(r#"{".tag": "closed"}"#, Commit::Gone);
    lookup(r#"{".tag": "incorrect_offset", "correct_offset": 12556930}"#, Commit::Offset(12_556_930));
    lookup(r#"{".tag": "too_large"}"#, Commit::TooLarge);
    lookup(r#"{".tag": "not_closed"}"#, Commit::Unknown);
    lookup(r#"{".tag": "of_tomorrow"}"#, Commit::Unknown);

    let path = |error: &str, want| check(&format!(r#"{{".tag": "path", "path": {error}}}"#), want);
    path(r#"{".tag": "conflict", "conflict": {".tag": "file"}}"#, Commit::Taken);
    path(r#"{".tag": "conflict", "conflict": {".tag": "folder"}}"#, Commit::InTheWay);
    path(r#"{".tag": "conflict", "conflict": {".tag": "file_ancestor"}}"#, Commit::InTheWay);
    path(r#"{".tag": "malformed_path"}"#, Commit::BadName);
    path(r#"{".tag": "malformed_path", "malformed_path": "hint"}"#, Commit::BadName);
    path(r#"{".tag": "disallowed_name"}"#, Commit::BadName);
    path(r#"{".tag": "insufficient_space"}"#, Commit::Full);
    path(r#"{".tag": "no_write_permission"}"#, Commit::Forbidden);
    path(r#"{".tag": "access_restricted"}"#, Commit::Forbidden);
    path(r#"{".tag": "team_folder"}"#, Commit::Forbidden);
    path(r#"{".tag": "operation_suppressed"}"#, Commit::Forbidden);
    path(r#"{".tag": "too_many_write_operations"}"#, Commit::Locked);
    path(r#"{".tag": "of_tomorrow"}"#, Commit::Unknown);

    check(r#"{".tag": "too_many_write_operations"}"#, Commit::Locked);
    check(r#"{".tag": "encryption_not_supported"}"#, Commit::Encryption);
    check(r#"{".tag": "concurrent_session_not_closed"}"#, Commit::Incomplete);
    check(r#"{".tag": "concurrent_session_missing_data"}"#, Commit::Incomplete);
    check(r#"{".tag": "concurrent_session_data_not_allowed"}"#, Commit::Unknown);
    check(r#"{".tag": "of_tomorrow"}"#, Commit::Unknown);
}

#[test]
fn what_stands_is_told_plainly() {
    let check = |verdict, kind, words: &str| {
        let failure = refusal(verdict, Said::default(), 5);
        assert_eq!((failure.kind, failure.is_transient()), (kind, false), "{verdict:?}");
        assert!(failure.message().contains(words), "{verdict:?}: {}", failure.message());
    };
    check(Commit::InTheWay, FailureKind::NameTaken, "in the way");
    check(Commit::Forbidden, FailureKind::DropboxRefused, "no permission");
    check(Commit::Encryption, FailureKind::DropboxRefused, "encrypted");
    check(Commit::UsedUp, FailureKind::DropboxRefused, "no more uploads");
    check(Commit::TooLarge, FailureKind::TooLarge, "2.1 TB");
    check(Commit::Unknown, FailureKind::DropboxRefused, "Choose another folder");
}

#[test]
fn every_lost_append_has_a_way_on() {
    // Confirmed: 100. Handed out: up to 200.
    let check =
        |problem: UploadSessionAppendError, want: Append| assert_eq!(append(&problem, 100, 200), want, "{problem:?}");
    let at = |offset| UploadSessionAppendError::IncorrectOffset(UploadSessionOffsetError::new(offset));
    check(at(200), Append::Confirmed(200));
    check(at(150), Append::Confirmed(150));
    check(at(101), Append::Confirmed(101));
    check(at(100), Append::Again);
    check(at(99), Append::Rewind(99));
    check(at(0), Append::Rewind(0));
    check(at(201), Append::Lost("somebody else writes to the session"));
    check(UploadSessionAppendError::NotFound, Append::Lost("the session is gone"));
    check(UploadSessionAppendError::Closed, Append::Lost("somebody else has closed the session"));
    check(UploadSessionAppendError::TooLarge, Append::TooLarge);
    check(UploadSessionAppendError::PayloadTooLarge, Append::Smaller);
    check(UploadSessionAppendError::ContentHashMismatch, Append::Again);
    check(UploadSessionAppendError::ConcurrentSessionInvalidOffset, Append::Unknown);
    check(UploadSessionAppendError::Other, Append::Unknown);
}

#[test]
fn a_concurrent_session_tells_no_offset() {
    let at = |offset| UploadSessionAppendError::IncorrectOffset(UploadSessionOffsetError::new(offset));
    let check = |problem: UploadSessionAppendError, want: Append| assert_eq!(block(&problem), want, "{problem:?}");
    check(at(0), Append::Lost("the session is not a concurrent one"));
    check(UploadSessionAppendError::NotFound, Append::Lost("the session is gone"));
    check(UploadSessionAppendError::Closed, Append::Lost("somebody else has closed the session"));
    check(UploadSessionAppendError::PayloadTooLarge, Append::Smaller);
    check(UploadSessionAppendError::ConcurrentSessionInvalidOffset, Append::Unknown);
    let closed = |problem: UploadSessionAppendError, want| assert_eq!(is_closed(&problem, 100), want, "{problem:?}");
    closed(UploadSessionAppendError::Closed, true);
    closed(at(100), true);
    closed(at(99), false);
    closed(UploadSessionAppendError::NotFound, false);
}
