//! Which route the next attempt takes, after others have ended badly.

use super::Route;
use crate::{Attempt, FailureKind};

impl Route {
    /// This route, or the one that is taken in its place after these attempts. What a site or a network did to an attempt says nothing
    /// about its route, and where a stream can be resumed it is; but a fault in what was made of the stream would come again.
    #[must_use]
    pub fn after(self, attempts: &[Attempt]) -> Self {
        attempts.iter().filter(|attempt| attempt.end.is_failure()).fold(self, |route, attempt| {
            let by_it = attempt.route == Some(route);
            let fault = match (route, attempt.kind) {
                (_, Some(FailureKind::Internal)) => true,
                // It cannot be resumed, so the route that proves the most is no slower.
                (Self::Pipe, Some(FailureKind::Network | FailureKind::TimedOut)) => true,
                _ => false,
            };
            if by_it && fault { route.safer() } else { route }
        })
    }

    /// Less is taken for granted by it.
    #[must_use]
    pub fn safer(self) -> Self {
        match self {
            Self::Interleave => Self::Pipe,
            Self::Direct | Self::Pipe | Self::Spool => Self::Spool,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AttemptEnd;

    fn attempt(route: Route, end: AttemptEnd, kind: FailureKind) -> Attempt {
        Attempt {
            number: 1,
            worker: "w".into(),
            started_at: 0,
            ended_at: 1,
            route: Some(route),
            bytes_in: 0,
            bytes_out: 0,
            end,
            kind: Some(kind),
            message: None,
        }
    }

    #[track_caller]
    fn check(planned: Route, attempts: &[(Route, FailureKind)], want: Route) {
        let attempts: Vec<_> = attempts.iter().map(|(route, kind)| attempt(*route, AttemptEnd::Retry, *kind)).collect();
        assert_eq!(planned.after(&attempts), want, "{planned:?} after {attempts:?}");
    }

    #[test]
    fn a_fault_of_the_route_is_not_repeated() {
        use FailureKind::{Internal, Network, SiteBusy};
        use Route::{Direct, Interleave, Pipe, Spool};
        check(Direct, &[], Direct);
        check(Direct, &[(Direct, Network), (Direct, SiteBusy)], Direct);
        check(Direct, &[(Direct, Internal)], Spool);
        check(Interleave, &[(Interleave, Internal)], Pipe);
        check(Interleave, &[(Interleave, Internal), (Pipe, Network)], Spool);
        check(Pipe, &[(Pipe, SiteBusy)], Pipe);
        check(Spool, &[(Spool, Internal)], Spool);
    }

    #[test]
    fn who_was_stopped_did_not_fail() {
        let stopped = attempt(Route::Direct, AttemptEnd::Handback, FailureKind::Internal);
        assert_eq!(Route::Direct.after(&[stopped]), Route::Direct);
    }
}
