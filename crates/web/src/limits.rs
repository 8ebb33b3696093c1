//! How often somebody may ask: the rates of the settings, counted in the store for all web servers together.
//!
//! It fails closed: while Redis is away nobody is let past, and reads the same 503 that everything behind a limit would answer anyway,
//! because nothing there works without Redis.

use std::time::Duration;

use actix_web::HttpRequest;
use sluice_domain::{AccountId, RateLimit};
use sluice_runtime::{Network, Settings};
use sluice_store::StoreError;
use thiserror::Error;

use crate::{address, state::State};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// A sign-in begun or ended, or a wrong API token: by address.
    SignIn,
    /// A form: by account.
    Form,
    /// A look at a link: by account.
    Preview,
    /// A call of the API: by account.
    Api,
}

/// Why it may not be done now.
#[derive(Debug, Error)]
pub(crate) enum NotNow {
    /// Too often; how long until it may be done again.
    #[error("asked too often")]
    TooOften(Duration),
    /// Nobody can count.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The rates.
#[derive(Debug, Clone)]
pub(crate) struct Rates {
    sign_in: RateLimit,
    form: RateLimit,
    preview: RateLimit,
    api: RateLimit,
    proxies: Vec<Network>,
}

impl Rates {
    pub(crate) fn new(settings: &Settings) -> Self {
        let limits = &settings.limits;
        Self {
            sign_in: limits.sign_in_rate,
            form: limits.form_rate,
            preview: limits.preview_rate,
            api: limits.api_rate,
            proxies: settings.server.trusted_proxies.clone(),
        }
    }

    /// What is counted under which word, and how much of it there is.
    fn of(&self, act: Act) -> (&'static str, RateLimit) {
        match act {
            Act::SignIn => ("sign-in", self.sign_in),
            Act::Form => ("form", self.form),
            Act::Preview => ("preview", self.preview),
            Act::Api => ("api", self.api),
        }
    }
}

impl State {
    /// Counts one more act of an account.
    pub(crate) async fn count(&self, act: Act, account: &AccountId) -> Result<(), NotNow> {
        self.take(act, account.as_str()).await
    }

    /// Counts one more act of the address that a request comes from.
    pub(crate) async fn count_address(&self, act: Act, request: &HttpRequest) -> Result<(), NotNow> {
        let address = address::of(request, &self.rates.proxies).map(address::counted);
        self.take(act, &address.map_or_else(String::new, |address| address.to_string())).await
    }

    async fn take(&self, act: Act, who: &str) -> Result<(), NotNow> {
        let (word, RateLimit(rate)) = self.rates.of(act);
        let Some(rate) = rate else { return Ok(()) };
        match self.store.limits().take(word, who, rate).await? {
            None => Ok(()),
            Some(wait) => {
                tracing::debug!(act = word, wait_ms = wait.as_millis(), "Asked too often");
                Err(NotNow::TooOften(wait))
            }
        }
    }
}

/// A wait as `Retry-After` tells it: whole seconds, at least one.
pub(crate) fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0 || wait.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_whole_seconds() {
        let check = |millis, want| assert_eq!(seconds(Duration::from_millis(millis)), want);
        check(0, 1);
        check(1, 1);
        check(1000, 1);
        check(1001, 2);
    }
}
