use dropbox_sdk::types::files::{UploadSessionFinishError, WriteError};

use super::*;
use crate::wire::Cut;

type Judged = CallError<UploadSessionFinishError>;

fn answer(status: u16, retry_after: Option<u64>, body: &str) -> Answer {
    Answer { status, retry_after: retry_after.and_then(wire::wait), request_id: Some("r1".into()), body: body.into() }
}

/// What becomes of an answer that the SDK could make nothing of.
fn judged(answer: Answer) -> Judged {
    judge::<(), _>("route", Err(Error::UnexpectedResponse("unreadable".into())), Record::Answered(answer)).unwrap_err()
}

#[track_caller]
fn trouble(answer: Answer, want: fn(&Trouble) -> bool) {
    match judged(answer) {
        CallError::Trouble(trouble) if want(&trouble) => {}
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn fails(status: u16, body: &str, kind: FailureKind, message: &str) {
    match judged(answer(status, None, body)) {
        CallError::Failed(failure) => {
            assert_eq!((failure.kind, failure.is_transient()), (kind, false), "{failure}");
            assert_eq!(failure.message(), message);
            assert!(failure.detail.contains("r1"), "the request id is missing: {}", failure.detail);
        }
        other => panic!("{other:?}"),
    }
}

fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

#[test]
fn every_shape_of_429_is_understood() {
    const REQUESTS: &str = r#"{"error_summary": "too_many_requests/..", "error": {"reason": {".tag": "too_many_requests"}, "retry_after": 15}}"#;
    const WRITES: &str = r#"{"error_summary": "too_many_write_operations/.", "error": {"reason": {".tag": "too_many_write_operations"}}}"#;
    trouble(answer(429, None, REQUESTS), |trouble| *trouble == Trouble::Busy(seconds(15)));
    trouble(answer(429, Some(300), REQUESTS), |trouble| *trouble == Trouble::Busy(seconds(300)));
    trouble(answer(429, Some(0), "slow down"), |trouble| *trouble == Trouble::Busy(None));
    trouble(answer(429, Some(15), "slow down"), |trouble| *trouble == Trouble::Busy(seconds(15)));
    trouble(answer(429, None, ""), |trouble| *trouble == Trouble::Busy(None));
    trouble(answer(429, None, WRITES), |trouble| *trouble == Trouble::Locked(None));
    trouble(answer(429, Some(1), WRITES), |trouble| *trouble == Trouble::Locked(seconds(1)));
}

#[test]
fn an_unknown_outcome_is_told_from_a_refusal() {
    for status in [200, 206, 408, 500, 502, 503, 504, 599] {
        trouble(answer(status, None, "<html>"), |trouble| matches!(trouble, Trouble::Lost(_)));
    }
    let cut = |unsent| {
        let record = Record::Cut(Cut { unsent, why: "reset".into() });
        judge::<(), UploadSessionFinishError>("route", Err(Error::HttpClient("reset".into())), record).unwrap_err()
    };
    assert!(matches!(cut(true), CallError::Trouble(Trouble::Unreachable(_))));
    assert!(matches!(cut(false), CallError::Trouble(Trouble::Lost(_))));
    assert!(matches!(judged(answer(413, None, "<html>")), CallError::TooBig));
}

#[test]
fn tokens_expire_or_are_withdrawn() {
    let auth =
        |tag: &str| format!(r#"{{"error_summary": "{tag}/.", "error": {{".tag": "{tag}", "required_scope": "s.w"}}}}"#);
    let disconnected = FailureKind::DropboxDisconnected;
    for body in [auth("expired_access_token"), auth("something_new"), "not json".into(), String::new()] {
        trouble(answer(401, None, &body), |trouble| *trouble == Trouble::Expired);
    }
    for tag in ["invalid_access_token", "user_suspended"] {
        fails(401, &auth(tag), disconnected, disconnected.user_message());
    }
    let permission = "Sluice needs another permission in your Dropbox. Connect your Dropbox again, then retry.";
    fails(401, &auth("missing_scope"), disconnected, permission);
    fails(
        400,
        "Your app is not permitted to access this endpoint because it does not have the required scope 's.w'",
        disconnected,
        permission,
    );
    fails(401, &auth("route_access_denied"), FailureKind::DropboxRefused, FailureKind::DropboxRefused.user_message());
}

#[test]
fn refusals_are_final() {
    let refused = FailureKind::DropboxRefused;
    let ours = FailureKind::Internal;
    fails(
        400,
        "Error in call to API function \"files/x\": request body: unknown field 'root'",
        ours,
        ours.user_message(),
    );
    fails(404, "", ours, ours.user_message());
    fails(422, "{}", ours, ours.user_message());
    fails(302, "", ours, ours.user_message());
    fails(403, "", refused, "Your type of Dropbox account does not allow this.");
    fails(409, r#"{"error_summary": "new/.", "error": {".tag": "new"}}"#, refused, refused.user_message());
    fails(
        403,
        r#"{"error_summary": "x", "error": {".tag": "invalid_account_type"}, "user_message": {"locale": "en", "text": "Your team has no uploads left."}}"#,
        refused,
        "Your team has no uploads left.",
    );
    trouble(answer(400, None, "Unknown API function: /2/files/x"), |trouble| matches!(trouble, Trouble::Outage(_)));
}

#[test]
fn a_routes_own_refusal_is_left_to_it() {
    let problem = UploadSessionFinishError::Path(WriteError::InsufficientSpace);
    let body = r#"{"error_summary": "path/insufficient_space/", "error": {".tag": "path", "path": {".tag": "insufficient_space"}}}"#;
    let judged = judge::<(), _>("route", Err(Error::Api(problem)), Record::Answered(answer(409, None, body)));
    let Err(CallError::Refused(UploadSessionFinishError::Path(WriteError::InsufficientSpace), said)) = judged else {
        panic!("{judged:?}")
    };
    assert!(said.detail.contains("path/insufficient_space/") && said.to_user.is_none());
}
