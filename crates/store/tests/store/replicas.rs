//! Answers that count only once a replica has them too.

use std::{collections::HashSet, time::Duration};

use redis::{Script, cmd};
use sluice_store::{Store, StoreConfig, StoreError};

use crate::{
    config_at,
    redis_process::{RedisProcess, SETTLED},
    sentinel_servers::SentinelServers,
};

/// As a web server has.
const PATIENCE: Duration = Duration::from_secs(2);

async fn store(servers: &SentinelServers, patience: Duration) -> Store {
    Store::connect(StoreConfig { patience, ..config_at(servers.url()) }).await.unwrap()
}

fn add() -> Script {
    Script::new("return redis.call('SADD', KEYS[1] .. 'added', ARGV[1])")
}

async fn adds(store: &Store, what: &str, replicas: u32) -> Result<u64, StoreError> {
    store.script_on_replicas(add().key(store.prefix()).arg(what), replicas).await
}

#[tokio::test]
async fn what_too_few_replicas_have_is_not_acknowledged() {
    let servers = SentinelServers::start().await;
    let store = store(&servers, PATIENCE).await;
    let found = store.inspect().await.unwrap();
    assert_eq!((found.fails_over, found.replicas), (true, 1));
    assert_eq!(adds(&store, "one", 1).await.unwrap(), 1);
    let error = adds(&store, "two", 2).await.unwrap_err();
    assert!(error.is_unavailable() && error.to_string().contains("redis.replicas asks for 2"), "{error}");

    servers.servers[1].freeze();
    let error = adds(&store, "three", 1).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert_eq!(adds(&store, "four", 0).await.unwrap(), 1, "nobody is waited for");
    servers.servers[1].thaw();
    // It had been done all the same, and now the replica has it too.
    let patient = Store::connect(StoreConfig { patience: Duration::MAX, ..config_at(servers.url()) }).await.unwrap();
    assert_eq!(adds(&patient, "three", 1).await.unwrap(), 0);
    let members: HashSet<String> =
        servers.servers[1].ask(cmd("SMEMBERS").arg(format!("{}added", store.prefix()))).await.unwrap();
    assert_eq!(members, ["one", "two", "three", "four"].map(str::to_owned).into());
}

#[tokio::test]
async fn what_was_found_has_to_be_on_the_replica_too() {
    let servers = SentinelServers::start().await;
    let store = store(&servers, PATIENCE).await;
    servers.servers[1].freeze();
    adds(&store, "one", 0).await.unwrap();
    // A connection that never wrote: by itself it has nothing to wait for.
    let other = Store::connect(StoreConfig { patience: PATIENCE, ..config_at(servers.url()) }).await.unwrap();
    let look = Script::new("return redis.call('SISMEMBER', KEYS[1] .. 'added', 'one')");
    let found: Result<u64, _> = other.script_on_replicas(&look.key(other.prefix()), 1).await;
    assert!(found.as_ref().is_err_and(StoreError::is_unavailable), "{found:?}");
    servers.servers[1].thaw();
    let patient = Store::connect(StoreConfig { patience: Duration::MAX, ..config_at(servers.url()) }).await.unwrap();
    assert_eq!(patient.script_on_replicas::<u64>(&look.key(other.prefix()), 1).await.unwrap(), 1);
    let key = format!("{}added", store.prefix());
    assert_eq!(servers.servers[1].ask::<u64>(cmd("SCARD").arg(key)).await.unwrap(), 1);
}

#[tokio::test]
async fn nobody_waits_behind_those_who_wait() {
    let servers = SentinelServers::start().await;
    let store = store(&servers, Duration::MAX).await;
    servers.servers[1].freeze();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { adds(&store, "one", 1).await }
    });
    let overtaken = async {
        loop {
            let before = blocked(&servers.servers[0]).await;
            // Each shared line is used at least once.
            for _ in 0..4 {
                store.ping().await.unwrap();
            }
            let after = blocked(&servers.servers[0]).await;
            if !before.is_empty() && before == after {
                return;
            }
        }
    };
    tokio::time::timeout(SETTLED, overtaken).await.expect("others wait too");
    assert!(!waiting.is_finished());
    servers.servers[1].thaw();
    assert!(tokio::time::timeout(SETTLED, waiting).await.expect("the replica is back").unwrap().is_ok());
}

/// The connections that wait in a command.
async fn blocked(server: &RedisProcess) -> Vec<String> {
    let list: String = server.ask(cmd("CLIENT").arg("LIST").arg("TYPE").arg("normal")).await.unwrap();
    let field = |line: &str, name: &str| line.split(' ').find_map(|field| field.strip_prefix(name).map(str::to_owned));
    let waits = |line: &&str| field(line, "flags=").is_some_and(|flags| flags.contains('b'));
    list.lines().filter(waits).filter_map(|line| field(line, "id=")).collect()
}
