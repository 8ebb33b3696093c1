//! What `sluice doctor` wants to know about Redis. It changes nothing.

use std::collections::HashMap;

use jiff::Timestamp;
use redis::pipe;

use crate::{Store, StoreError, migrations};

/// Redis as an operator has to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Its version.
    pub version: String,
    /// Its clock.
    pub clock: Timestamp,
    /// Does it write an append-only file? Without one, a restart loses what was accepted.
    pub append_only: bool,
    /// What it does when its memory is full; anything but `noeviction` loses jobs.
    pub eviction: String,
    /// The schema of the data; 0 when there is none yet.
    pub schema: u32,
    /// The newest schema that this binary knows.
    pub known_schema: u32,
}

impl Store {
    /// Looks at Redis.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn inspect(&self) -> Result<Inspection, StoreError> {
        let all = pipe().cmd("TIME").cmd("INFO").arg("everything").cmd("GET").arg(self.keys().schema()).to_owned();
        let ((seconds, micros), info, schema): ((i64, i32), String, Option<u32>) = self.connection().pipe(&all).await?;
        let info: HashMap<&str, &str> = info.lines().filter_map(|line| line.trim_end().split_once(':')).collect();
        let said = |key: &str| info.get(key).copied().unwrap_or_default();
        Ok(Inspection {
            version: said("redis_version").to_owned(),
            clock: Timestamp::new(seconds, micros.saturating_mul(1000))
                .map_err(|error| StoreError::corrupt("the clock of Redis", &error))?,
            append_only: said("aof_enabled") == "1",
            eviction: said("maxmemory_policy").to_owned(),
            schema: schema.unwrap_or(0),
            known_schema: migrations::known(),
        })
    }
}
