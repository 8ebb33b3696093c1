//! What can go wrong with one request, and what may help.

use std::{error::Error, time::Duration};

use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use sluice_domain::{Failure, FailureKind};
use sluice_egress::{NoRequest, Refusal};
use url::Url;

use super::known::{Mismatch, seconds_until};
use crate::refused::refused;

/// A `Retry-After` beyond this is not believed.
const LONGEST_RETRY_AFTER: u64 = 24 * 3600;

/// One request that gave nothing.
#[derive(Debug)]
pub(super) struct Trouble {
    /// What it is when nothing helps.
    pub(super) failure: Failure,
    pub(super) cure: Cure,
}

/// What may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cure {
    /// The same again, after a pause that is at least this long.
    Again(Option<Duration>),
    /// A new address.
    Renew,
    Nothing,
}

impl Trouble {
    /// The connection, or what came through it.
    pub(super) fn broken(why: impl AsRef<str>) -> Self {
        Self { failure: Failure::new(FailureKind::Network, why), cure: Cure::Again(None) }
    }

    /// The server does what no server should.
    pub(super) fn absurd(url: &Url, why: &str) -> Self {
        let failure = Failure::new(FailureKind::Network, format!("{}: {why}", host(url)));
        Self { failure, cure: Cure::Nothing }
    }

    /// A page for people, of whatever it tells them.
    pub(super) fn page(url: &Url) -> Self {
        let failure = Failure::new(FailureKind::SiteBusy, format!("{} sent a page instead of the file", host(url)));
        Self { failure, cure: Cure::Nothing }
    }

    pub(super) fn mismatch(url: &Url, mismatch: &Mismatch) -> Self {
        match mismatch {
            Mismatch::Changed(what) => Self { failure: changed(url, what), cure: Cure::Nothing },
            Mismatch::Answer(why) => Self::absurd(url, why),
        }
    }

    /// Nothing came back at all.
    pub(super) fn unanswered(url: &Url, error: &NoRequest) -> Self {
        match error {
            NoRequest::Refused(refusal) => Self::refused(refusal),
            NoRequest::Broken(error) => Self::broken(format!("{}: {}", host(url), causes(&**error))),
        }
    }

    /// It leads where nobody may go.
    fn refused(refusal: &Refusal) -> Self {
        Self { failure: refused(refusal), cure: Cure::Nothing }
    }

    /// An answer of this status. An address that was good once is worth renewing when it is gone.
    pub(super) fn status(url: &Url, status: StatusCode, headers: &HeaderMap, was_good: bool) -> Self {
        let asked = headers.get(RETRY_AFTER).and_then(|value| {
            let seconds = value.to_str().ok()?.trim().parse().ok().or_else(|| seconds_until(value, headers))?;
            (seconds > 0).then(|| Duration::from_secs(seconds.min(LONGEST_RETRY_AFTER)))
        });
        let (kind, cure) = match status.as_u16() {
            401 => (FailureKind::Private, Cure::Renew),
            402 => (FailureKind::Private, Cure::Nothing),
            403 => (FailureKind::SiteBusy, Cure::Renew),
            404 if was_good => (FailureKind::Removed, Cure::Renew),
            404 => (FailureKind::Removed, Cure::Nothing),
            410 => (FailureKind::Removed, Cure::Renew),
            451 => (FailureKind::GeoBlocked, Cure::Nothing),
            429 => (FailureKind::SiteBusy, Cure::Again(asked)),
            408 | 425 => (FailureKind::Network, Cure::Again(asked)),
            500..=599 => (FailureKind::Network, Cure::Again(asked)),
            _ => (FailureKind::SiteBusy, Cure::Nothing),
        };
        let failure = Failure::new(kind, format!("{} answers {status}", host(url)));
        let failure = match asked {
            Some(asked) => failure.after(asked),
            None => failure,
        };
        Self { failure, cure }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self { failure, cure: Cure::Nothing }
    }
}

/// It is no longer the file that it was. The next attempt begins with the new one, so this may pass.
pub(super) fn changed(url: &Url, what: &str) -> Failure {
    Failure::new(FailureKind::Network, format!("{}: the source has changed: {what}", host(url))).transient()
}

/// All that may be said of an address: the rest may be signed.
pub(super) fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

/// The whole chain: "error sending request" alone tells nothing. The first names the address and is left out.
pub(super) fn causes(error: &dyn Error) -> String {
    let mut text = String::from("connection");
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16, after: &str, was_good: bool) -> Trouble {
        let url = "https://a.example/v?sig=secret".parse().unwrap();
        let headers = HeaderMap::from_iter([(RETRY_AFTER, after.parse().unwrap())]);
        Trouble::status(&url, StatusCode::from_u16(status).unwrap(), &headers, was_good)
    }

    #[test]
    fn every_status_has_its_kind_and_cure() {
        let check = |code, was_good, kind, cure| {
            let trouble = status(code, "", was_good);
            assert_eq!((trouble.failure.kind, trouble.cure), (kind, cure), "{code}");
        };
        check(401, false, FailureKind::Private, Cure::Renew);
        check(403, false, FailureKind::SiteBusy, Cure::Renew);
        check(404, false, FailureKind::Removed, Cure::Nothing);
        check(404, true, FailureKind::Removed, Cure::Renew);
        check(410, false, FailureKind::Removed, Cure::Renew);
        check(429, false, FailureKind::SiteBusy, Cure::Again(None));
        check(500, false, FailureKind::Network, Cure::Again(None));
        check(599, false, FailureKind::Network, Cure::Again(None));
        check(418, false, FailureKind::SiteBusy, Cure::Nothing);
    }

    #[test]
    fn a_server_says_how_long_to_wait() {
        let check = |text, seconds: Option<u64>| {
            let trouble = status(429, text, false);
            let wait = seconds.map(Duration::from_secs);
            assert_eq!((trouble.failure.retry_after, trouble.cure), (wait, Cure::Again(wait)), "{text}");
        };
        check("7", Some(7));
        check("0", None);
        check("99999999", Some(LONGEST_RETRY_AFTER));
        check("soon", None);
        check("Sun, 06 Nov 1994 08:49:37 GMT", None);
        check("Sat, 06 Nov 2094 08:49:37 GMT", Some(LONGEST_RETRY_AFTER));
    }

    #[test]
    fn a_signature_stays_here() {
        assert_eq!(status(403, "", false).failure.detail, "a.example answers 403 Forbidden");
    }
}
