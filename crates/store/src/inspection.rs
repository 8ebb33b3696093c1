//! What `sluice doctor` wants to know about Redis. It changes nothing.

use std::collections::HashMap;

use jiff::Timestamp;
use redis::pipe;

use crate::{Store, StoreError, migrations};

/// Redis as an operator has to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Which server it is, for people: its name, its version, its role, and how it was found, such as `Valkey 8.1.3, master, through Sentinel`.
    pub version: String,
    /// Its clock.
    pub clock: Timestamp,
    /// Does it write an append-only file? Without one, a restart loses what was accepted.
    pub append_only: bool,
    /// What it does when its memory is full; anything but `noeviction` loses jobs.
    pub eviction: String,
    /// Can another server become the master: is this one behind Sentinel or on a Cluster?
    pub fails_over: bool,
    /// How many replicas follow it now.
    pub replicas: u32,
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
            version: describe(said, self.connection().found_through()),
            clock: Timestamp::new(seconds, micros.saturating_mul(1000))
                .map_err(|error| StoreError::corrupt("the clock of Redis", &error))?,
            append_only: said("aof_enabled") == "1",
            eviction: said("maxmemory_policy").to_owned(),
            fails_over: self.connection().found_through().is_some(),
            replicas: following(said),
            schema: schema.unwrap_or(0),
            known_schema: migrations::known(),
        })
    }
}

/// Which server says this about itself.
fn describe<'a>(said: impl Fn(&str) -> &'a str, found_through: Option<&str>) -> String {
    // Valkey tells clients the version of Redis that it can stand in for, and its own beside it.
    let (name, version) = match said("valkey_version") {
        "" => ("Redis", said("redis_version")),
        version => ("Valkey", version),
    };
    // Both call a replica "slave" here.
    let role = if said("role") == "slave" { "replica" } else { said("role") };
    let through = found_through.map(|through| format!(", through {through}")).unwrap_or_default();
    format!("{name} {version}, {role}{through}")
}

/// How many replicas are in step. One that is still being sent the data counts among those connected, and confirms nothing.
fn following<'a>(said: impl Fn(&str) -> &'a str) -> u32 {
    let connected: u32 = said("connected_slaves").parse().unwrap_or(0);
    let in_step = |number: &u32| said(&format!("slave{number}")).split(',').any(|field| field == "state=online");
    u32::try_from((0..connected).filter(in_step).count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_told_apart() {
        let check = |info: &[(&str, &'static str)], through: Option<&str>, want: &str| {
            let said = |key: &str| info.iter().find(|(k, _)| *k == key).map_or("", |(_, value)| value);
            assert_eq!(describe(said, through), want);
        };
        check(&[("redis_version", "7.0.15"), ("role", "master")], None, "Redis 7.0.15, master");
        let valkey = [("redis_version", "7.2.4"), ("valkey_version", "8.1.3"), ("role", "master")];
        check(&valkey, Some("Sentinel"), "Valkey 8.1.3, master, through Sentinel");
        check(&[("redis_version", "7.0.15"), ("role", "slave")], None, "Redis 7.0.15, replica");
    }

    #[test]
    fn replicas_that_are_in_step_count() {
        let check = |info: &[(&str, &'static str)], want: u32| {
            let said = |key: &str| info.iter().find(|(k, _)| *k == key).map_or("", |(_, value)| value);
            assert_eq!(following(said), want, "{info:?}");
        };
        check(&[], 0);
        check(&[("connected_slaves", "0")], 0);
        let online = "ip=10.0.0.2,port=6379,state=online,offset=42,lag=0";
        let sending = "ip=10.0.0.3,port=6379,state=send_bulk,offset=0,lag=0";
        check(&[("connected_slaves", "2"), ("slave0", online), ("slave1", sending)], 1);
    }
}
