//! Faults that tests have scripted: which call of which route fails, and how.
//!
//! A script is data. Refuses scripts with unknown kinds or fields, so that a mistyped test does not pass by itself.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::api::refusal::{Busy, Refusal, nest};

/// Longest that `hold` keeps a request.
const HOLD: Duration = Duration::from_secs(600);
const SCRIPTS: usize = 1000;

/// A fault to come: the calls of a route from the `nth` on, `times` of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    /// The route without `/2/`, or `oauth2/token`, `oauth2/authorize`, `link`, or `*` for any.
    pub(crate) route: String,
    /// Only calls of this account.
    #[serde(default)]
    pub(crate) account: Option<String>,
    /// Counted from when the script arrived, beginning with 1.
    #[serde(default = "one")]
    pub(crate) nth: u64,
    #[serde(default = "one")]
    pub(crate) times: u64,
    pub(crate) fault: Fault,
    /// Matching calls so far.
    #[serde(skip)]
    seen: u64,
}

fn one() -> u64 {
    1
}

/// What goes wrong. The crate's front page tells what each kind does.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Fault {
    LoseResponse {
        #[serde(default)]
        connection: bool,
    },
    CutBody {
        after_bytes: u64,
        #[serde(default)]
        connection: bool,
    },
    Status {
        code: u16,
        #[serde(default)]
        body: String,
        #[serde(default)]
        content_type: Option<String>,
        #[serde(default)]
        retry_after: Option<u64>,
    },
    RateLimit {
        shape: Shape,
        #[serde(default)]
        retry_after: Option<u64>,
        #[serde(default)]
        reason: Option<String>,
    },
    Auth {
        tag: String,
        #[serde(default)]
        required_scope: Option<String>,
    },
    RouteError {
        error: Value,
        #[serde(default)]
        user_message: Option<String>,
    },
    DataTransport,
    UnknownTag,
    Delay {
        ms: u64,
    },
    Hold,
    HoldLock {
        ms: u64,
    },
    TruncateJson,
    WrongContentHash,
    InvisibleFor {
        ms: u64,
    },
    Zombie {
        ms: u64,
    },
    ExpireSession,
    LoseBytes {
        bytes: u64,
    },
    Rival {
        content: String,
    },
    RevokeTokens,
}

/// Shapes of a 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    Json,
    JsonNoRetry,
    Text,
}

impl Fault {
    /// The refusal of a fault that answers before the call is looked at.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        Some(match self {
            Self::Status { code, body, content_type, retry_after } => Refusal::Edge {
                status: StatusCode::from_u16(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
                body: body.clone(),
                content_type: content_type.clone().unwrap_or_else(|| "text/html".into()),
                retry_after: *retry_after,
            },
            Self::RateLimit { shape, retry_after, reason } => {
                let reason = reason.clone().unwrap_or_else(|| "too_many_requests".into());
                Refusal::Busy(match shape {
                    Shape::Json => Busy::Json { reason, retry_after: retry_after.unwrap_or(1) },
                    Shape::JsonNoRetry => Busy::JsonWithoutRetry { reason, retry_after: *retry_after },
                    Shape::Text => Busy::Text { retry_after: *retry_after },
                })
            }
            Self::Auth { tag, required_scope: Some(scope) } => {
                Refusal::Unauthorized(json!({ ".tag": tag, "required_scope": scope }))
            }
            Self::Auth { tag, required_scope: None } => Refusal::auth(tag),
            Self::RouteError { error, user_message: Some(text) } => {
                Refusal::RouteWithMessage(error.clone(), text.clone())
            }
            Self::RouteError { error, user_message: None } => Refusal::Route(error.clone()),
            Self::DataTransport => Refusal::Forbidden(nest("invalid_account_type", &json!({ ".tag": "feature" }))),
            Self::UnknownTag => Refusal::tag("a_tag_of_tomorrow"),
            Self::RevokeTokens => Refusal::auth("invalid_access_token"),
            _ => return None,
        })
    }
}

/// A fault that strikes a call.
#[derive(Debug)]
pub(crate) struct Strike {
    pub(crate) fault: Fault,
    /// Ends when the scripts are cleared.
    cleared: CancellationToken,
}

impl Strike {
    /// Waits until the scripts are cleared.
    pub(crate) async fn released(&self) {
        let _elapsed = tokio::time::timeout(HOLD, self.cleared.cancelled()).await;
    }
}

/// All scripts.
#[derive(Default)]
pub(crate) struct Faults(Mutex<Scripts>);

#[derive(Default)]
struct Scripts {
    list: Vec<Script>,
    cleared: CancellationToken,
}

impl Faults {
    /// Adds a script; `false` when there are too many.
    pub(crate) fn add(&self, script: Script) -> bool {
        let mut scripts = self.lock();
        if scripts.list.len() < SCRIPTS {
            scripts.list.push(script);
            return true;
        }
        false
    }

    /// Forgets all scripts and lets held requests go on.
    pub(crate) fn clear(&self) {
        std::mem::take(&mut *self.lock()).cleared.cancel();
    }

    /// Counts a call. Returns the fault that strikes it: of several the one scripted first.
    pub(crate) fn strike(&self, route: &str, account: Option<&str>) -> Option<Strike> {
        let mut scripts = self.lock();
        let cleared = scripts.cleared.clone();
        let mut struck = None;
        for script in &mut scripts.list {
            let same_route = script.route == "*" || script.route == route;
            let same_account = script.account.is_none() || script.account.as_deref() == account;
            if same_route && same_account {
                script.seen += 1;
                let turn = script.nth..script.nth.saturating_add(script.times);
                if struck.is_none() && turn.contains(&script.seen) {
                    struck = Some(script.fault.clone());
                }
            }
        }
        struck.map(|fault| Strike { fault, cleared })
    }

    fn lock(&self) -> MutexGuard<'_, Scripts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of five calls are struck.
    fn check(script: &Value, expected: [bool; 5]) {
        let faults = Faults::default();
        faults.add(serde_json::from_value(script.clone()).unwrap());
        let struck = [(); 5].map(|()| faults.strike("files/upload", Some("dbid:a")).is_some());
        assert_eq!(struck, expected, "{script}");
    }

    #[test]
    fn scripts_count_calls() {
        let lose = || json!({"kind": "lose_response"});
        check(&json!({"route": "files/upload", "fault": lose()}), [true, false, false, false, false]);
        check(&json!({"route": "files/upload", "nth": 3, "fault": lose()}), [false, false, true, false, false]);
        check(&json!({"route": "*", "nth": 2, "times": 3, "fault": lose()}), [false, true, true, true, false]);
        check(&json!({"route": "files/delete_v2", "fault": lose()}), [false; 5]);
        check(&json!({"route": "*", "account": "dbid:b", "fault": lose()}), [false; 5]);
        check(&json!({"route": "*", "account": "dbid:a", "fault": lose()}), [true, false, false, false, false]);
    }

    #[test]
    fn mistyped_scripts_are_refused() {
        let refuse = |script: Value| assert!(serde_json::from_value::<Script>(script.clone()).is_err(), "{script}");
        refuse(json!({"route": "*", "fault": {"kind": "loose_response"}}));
        refuse(json!({"route": "*", "fault": {"kind": "delay", "ms": 5, "s": 5}}));
        refuse(json!({"route": "*", "fault": {"kind": "delay"}}));
        refuse(json!({"route": "*", "Nth": 1, "fault": {"kind": "unknown_tag"}}));
    }
}
