//! What becomes of a failure when something was refused on the way to it.

use sluice_domain::{Failure, FailureKind};
use sluice_egress::Refusal;

/// The failure of an address that is not visited.
pub(crate) fn refused(refusal: &Refusal) -> Failure {
    Failure::new(FailureKind::RefusedAddress, refusal.to_string())
}

/// A child makes of a refusal whatever it likes: a page that is not there, a site that is busy, a list without items. What it failed of is the refusal.
pub(crate) fn because(failure: Failure, refusal: Option<Refusal>) -> Failure {
    match (failure.kind, refusal) {
        (
            FailureKind::BadLink
            | FailureKind::UnsupportedSite
            | FailureKind::Private
            | FailureKind::GeoBlocked
            | FailureKind::Removed
            | FailureKind::NoSuchFormat
            | FailureKind::SiteBusy
            | FailureKind::Network
            | FailureKind::TimedOut
            | FailureKind::Internal,
            Some(refusal),
        ) => refused(&refusal),
        _ => failure,
    }
}
