//! How often somebody may do something, counted for all processes together.
//!
//! A bucket is one key that lives no longer than the rate's own period; nothing is kept of who came, and nothing of those who stay within
//! their rate for long. A take that is executed twice takes two: that costs the caller one, and nobody else anything.

use std::time::Duration;

use redis::Script;
use sluice_domain::Rate;

use crate::{Store, StoreError, random::hash_of};

/// The counts of a store.
#[derive(Debug, Clone, Copy)]
pub struct Limits<'a>(pub(crate) &'a Store);

impl Limits<'_> {
    /// Takes one of what `who` may do of `what`. `None` when there was one left, else how long until there is.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn take(&self, what: &'static str, who: &str, rate: Rate) -> Result<Option<Duration>, StoreError> {
        let script = Script::new(include_str!("lua/take.lua"));
        // Half of the hash is enough for a name that nobody has an interest in meeting.
        let mut call = script.key(self.0.keys().limit(what, &hash_of(who)[..32]));
        let all = rate.per.as_micros();
        call.arg((all / u128::from(rate.count.get())).max(1).to_string()).arg(all.to_string());
        let micros: u64 = self.0.connection().script(&call).await?;
        Ok((micros > 0).then(|| Duration::from_micros(micros)))
    }
}
