//! Behind Sentinel, through failovers.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use redis::cmd;
use sluice_store::{Store, StoreConfig};

use crate::{
    config_at,
    redis_process::{RedisProcess, SETTLED},
    sentinel_servers::{MASTER, SentinelServers},
    stream::Stream,
};

async fn store(servers: &SentinelServers, patience: Duration) -> Store {
    let store = Store::connect(StoreConfig { patience, ..config_at(servers.url()) }).await.unwrap();
    store.migrate().await.unwrap();
    store
}

/// Has the replica got everything that its master has acknowledged so far?
async fn replicated(servers: &SentinelServers) {
    let offset: u64 = servers.servers[0].info("master_repl_offset").await.unwrap().parse().unwrap();
    let caught_up = |info: &String| {
        let line = info.lines().find_map(|line| line.strip_prefix("slave_repl_offset:"));
        line.is_some_and(|now| now.trim().parse::<u64>().unwrap() >= offset)
    };
    servers.servers[1].until("the replica caught up", cmd("INFO").arg("replication"), caught_up).await;
}

/// Who is connected, besides sentinels, the other server and who asks.
async fn clients(server: &RedisProcess) -> Vec<String> {
    let list: String = server.ask(cmd("CLIENT").arg("LIST").arg("TYPE").arg("normal")).await.unwrap();
    let ours = |line: &&str| !line.contains("name=sentinel-") && !line.contains("cmd=client");
    list.lines().filter(ours).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_connection_goes_on_after_a_failover() {
    let mut servers = SentinelServers::start().await;
    let store = store(&servers, Duration::MAX).await;
    let found = store.inspect().await.unwrap().version;
    assert!(found.ends_with(", master, through Sentinel"), "{found}");

    let stream = Stream::start(&store);
    let safe = stream.goes_on(50).await;
    replicated(&servers).await;
    assert!(!clients(&servers.servers[0]).await.is_empty(), "the search for clients works");
    let before = stream.goes_on(5).await;
    servers.servers[0].kill();
    stream.goes_on(50).await;
    servers.until_master(1).await;

    // The old one comes back as a master, until the sentinels make it a replica.
    servers.servers[0].go_on().await;
    stream.goes_on(20).await;
    assert_eq!(clients(&servers.servers[0]).await, [""; 0]);
    servers.until_replica(0).await;
    stream.goes_on(20).await;
    assert_eq!(clients(&servers.servers[0]).await, [""; 0]);

    // Replication is not synchronous: what the replica had not got when its master died is gone, and nothing else.
    let missing = stream.missing().await;
    let tail = missing.first().is_none_or(|first| *first > safe && missing.last().unwrap() - first < 100);
    let contiguous = missing.windows(2).all(|pair| pair[1] == pair[0] + 1);
    assert!(tail && contiguous, "killed after {before}, replicated until {safe}, missing {missing:?}");
}

#[tokio::test]
async fn impatient_callers_leave_a_frozen_master_too() {
    let servers = SentinelServers::start().await;
    let store = store(&servers, Duration::from_millis(300)).await;
    let key = format!("{}value", store.prefix());
    let connection = store.connection();
    connection.run::<()>(cmd("SET").arg(&key).arg("before")).await.unwrap();
    replicated(&servers).await;
    servers.servers[0].freeze();
    let begun = Instant::now();
    // Its system goes on confirming what we send: only silence tells.
    while let Err(error) = connection.run::<()>(cmd("SET").arg(&key).arg("after")).await {
        assert!(error.is_unavailable(), "{error}");
        assert!(begun.elapsed() < SETTLED, "{error}");
    }
    servers.until_master(1).await;
    servers.servers[0].thaw();
    servers.until_replica(0).await;
    assert_eq!(connection.run::<String>(cmd("GET").arg(&key)).await.unwrap(), "after");
    assert_eq!(servers.servers[1].ask::<String>(cmd("GET").arg(&key)).await.unwrap(), "after");
}

#[tokio::test]
async fn listening_goes_on_after_a_failover() {
    let mut servers = SentinelServers::start().await;
    let store = store(&servers, Duration::MAX).await;
    hears(&store).await;
    servers.servers[0].kill();
    servers.until_master(1).await;
    hears(&store).await;
}

/// What is published on one connection arrives on another.
pub(crate) async fn hears(store: &Store) {
    let channel = format!("{}channel", store.prefix());
    let begun = Instant::now();
    let line = loop {
        match store.connection().listen(std::slice::from_ref(&channel)).await {
            Ok(line) => break line,
            Err(error) => assert!(begun.elapsed() < SETTLED, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let mut heard = line.into_on_message();
    store.connection().run::<()>(cmd("PUBLISH").arg(&channel).arg("hello")).await.unwrap();
    let heard = tokio::time::timeout(SETTLED, heard.next()).await.expect("nothing is heard");
    assert_eq!(heard.unwrap().get_payload::<String>().unwrap(), "hello");
}

#[tokio::test]
async fn a_sentinel_that_is_behind_is_not_believed() {
    let mut servers = SentinelServers::start().await;
    let old = store(&servers, Duration::MAX).await;
    // A host with the master and a sentinel on it dies, and comes back as it was.
    servers.sentinels[2].kill();
    servers.servers[0].kill();
    let key = format!("{}value", old.prefix());
    old.connection().run::<()>(cmd("SET").arg(&key).arg("after")).await.unwrap();
    servers.servers[0].go_on().await;
    assert!(servers.servers[0].info("role").await.is_some_and(|role| role == "master"), "not demoted yet");
    servers.sentinels[2].go_on().await;
    let mut address = cmd("SENTINEL");
    address.arg("GET-MASTER-ADDR-BY-NAME").arg(MASTER);
    loop {
        let (_, says): (String, u16) = servers.sentinels[2].ask(&address).await.unwrap();
        let new = store(&servers, Duration::MAX).await;
        let found: Option<String> = new.connection().run(cmd("GET").arg(&key)).await.unwrap();
        assert_eq!(found.as_deref(), Some("after"), "while the one that came back says {says}");
        if says == servers.servers[1].port() {
            break;
        }
    }
}

#[tokio::test]
async fn a_name_that_no_sentinel_knows_is_told() {
    let servers = SentinelServers::start().await;
    let url = servers.url().replace(MASTER, "other").replace("redis+sentinel://", "redis+sentinel://ada:hunter2@");
    let text = unavailable(url).await;
    assert!(text.contains("0 of 3 sentinels") && text.contains("No such master"), "{text}");
}

#[tokio::test]
async fn servers_and_sentinels_have_passwords_of_their_own() {
    let server = RedisProcess::server(&["requirepass \"hunter2/a\""]).await;
    let port = server.port();
    let lines = [
        format!("sentinel monitor {MASTER} 127.0.0.1 {port} 1"),
        format!("sentinel auth-pass {MASTER} hunter2/a"),
        "requirepass \"hunter2@b\"".to_owned(),
    ];
    let sentinel = RedisProcess::sentinel(&lines).await;
    let url = |server: &str, sentinels: &str| {
        format!("redis+sentinel://:{server}@{}/{MASTER}/0?sentinel_password={sentinels}", sentinel.address())
    };
    Store::connect(config_at(url("hunter2%2Fa", "hunter2@b"))).await.unwrap().ping().await.unwrap();
    for wrong in [url("hunter2", "hunter2@b"), url("hunter2%2Fa", "hunter2")] {
        let text = unavailable(wrong).await;
        assert!(text.to_lowercase().contains("password"), "{text}");
    }
}

/// What is said about a Redis that is not there, which quotes no password.
async fn unavailable(url: String) -> String {
    let config = StoreConfig { patience: Duration::from_secs(2), ..config_at(url) };
    let error = Store::connect(config).await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(error.is_unavailable() && !text.contains("hunter2"), "{text}");
    text
}
