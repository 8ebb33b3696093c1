//! Forward-only migrations of the keyspace: `migrations/NNNN_name.lua`, embedded, once each, under a lock.
//!
//! It never goes back, never runs two at a time, and never touches a schema that is newer than this binary.

use std::time::{Duration, Instant};

use redis::{Script, cmd};

use crate::{Connection, Store, StoreError, keyspace::Keyspace, random::random_text};

/// One step from a schema to the next.
struct Migration {
    name: &'static str,
    script: &'static str,
}

macro_rules! migrations {
    ($($name:literal),+ $(,)?) => {
        &[$(Migration { name: $name, script: include_str!(concat!("../../../migrations/", $name, ".lua")) }),+]
    };
}

/// In order, without gaps: the place in the list is the number.
const MIGRATIONS: &[Migration] = migrations!["0001_first_schema"];

/// A process that dies while it migrates holds up the others for so long.
const LOCK_TTL: Duration = Duration::from_secs(60);
/// The longest that another process's migration is waited for.
const LOCK_PATIENCE: Duration = Duration::from_secs(300);
/// How often the lock is looked at.
const LOCK_POLL: Duration = Duration::from_millis(200);

/// What [`Store::migrate`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationReport {
    /// The version before; 0 for an empty namespace.
    pub from: u32,
    /// The version now.
    pub to: u32,
    /// The names of the migrations that ran.
    pub applied: Vec<&'static str>,
}

/// The newest schema that this binary knows.
pub(crate) fn known() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// The schema in Redis, unless it is newer than this binary knows.
pub(crate) async fn check(connection: &Connection, keys: &Keyspace) -> Result<u32, StoreError> {
    let found: u32 = connection.run::<Option<u32>>(cmd("GET").arg(keys.schema())).await?.unwrap_or(0);
    if found > known() { Err(StoreError::NewerSchema { found, known: known() }) } else { Ok(found) }
}

pub(crate) async fn run(store: &Store) -> Result<MigrationReport, StoreError> {
    let (connection, keys) = (store.connection(), store.keys());
    let from = check(connection, keys).await?;
    if from == known() {
        return Ok(MigrationReport { from, to: from, applied: Vec::new() });
    }
    let lock = Lock::take(connection, keys).await?;
    let done = apply(connection, keys, &lock).await;
    lock.release().await?;
    done
}

async fn apply(connection: &Connection, keys: &Keyspace, lock: &Lock<'_>) -> Result<MigrationReport, StoreError> {
    // Again under the lock: somebody else may have been faster.
    let from = check(connection, keys).await?;
    let mut applied = Vec::new();
    for (migration, version) in MIGRATIONS.iter().zip(1u32..).skip(from as usize) {
        let script = Script::new(migration.script);
        let mut cursor = "0".to_owned();
        loop {
            lock.keep().await?;
            cursor = connection.script(script.key(keys.prefix()).arg(&cursor)).await?;
            if cursor == "0" {
                break;
            }
        }
        connection.run::<()>(cmd("SET").arg(keys.schema()).arg(version)).await?;
        tracing::info!(migration = migration.name, "Migrated the keyspace");
        applied.push(migration.name);
    }
    Ok(MigrationReport { from, to: known(), applied })
}

/// The right to migrate.
struct Lock<'a> {
    connection: &'a Connection,
    key: String,
    holder: String,
}

impl<'a> Lock<'a> {
    async fn take(connection: &'a Connection, keys: &Keyspace) -> Result<Self, StoreError> {
        let lock = Self { connection, key: keys.schema_lock(), holder: random_text::<16>()? };
        let begun = Instant::now();
        loop {
            match lock.keep().await {
                Ok(()) => return Ok(lock),
                Err(error) if begun.elapsed() > LOCK_PATIENCE || !error.is_unavailable() => return Err(error),
                Err(_) => tokio::time::sleep(LOCK_POLL).await,
            }
        }
    }

    /// Takes the lock or prolongs it.
    async fn keep(&self) -> Result<(), StoreError> {
        let script = Script::new(include_str!("lua/lock_keep.lua"));
        let ttl = u64::try_from(LOCK_TTL.as_millis()).unwrap_or(u64::MAX);
        let mine: bool = self.connection.script(script.key(&self.key).arg(&self.holder).arg(ttl)).await?;
        if mine {
            Ok(())
        } else {
            Err(StoreError::Unavailable { waited: Duration::ZERO, last: "another process is migrating".into() })
        }
    }

    async fn release(self) -> Result<(), StoreError> {
        let script = Script::new(include_str!("lua/lock_release.lua"));
        self.connection.script(script.key(&self.key).arg(&self.holder)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_without_gaps() {
        for (migration, number) in MIGRATIONS.iter().zip(1..) {
            assert!(migration.name.starts_with(&format!("{number:04}_")), "{}", migration.name);
        }
    }
}
