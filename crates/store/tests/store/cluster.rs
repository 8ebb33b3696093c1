//! On a cluster, through failovers and while slots move.

use std::time::Duration;

use redis::{Script, cmd};
use sluice_store::{Store, StoreConfig, StoreError};

use crate::{cluster_servers::ClusterServers, config_at, sentinel::hears, stream::Stream};

/// What every key of these tests begins with.
const PREFIX: &str = "{test}:";

async fn store(servers: &ClusterServers) -> Store {
    let store = Store::connect(StoreConfig { patience: Duration::MAX, ..config_at(servers.url()) }).await.unwrap();
    store.migrate().await.unwrap();
    store
}

#[tokio::test]
async fn the_connection_goes_on_after_a_failover() {
    let mut servers = ClusterServers::start().await;
    let store = store(&servers).await;
    let found = store.inspect().await.unwrap().version;
    assert!(found.ends_with(", master, through Cluster"), "{found}");
    let script = Script::new("redis.call('SET', KEYS[1] .. 'a', ARGV[1]) return redis.call('GET', KEYS[1] .. 'a')");
    let got: String = store.connection().script(script.key(store.prefix()).arg("b")).await.unwrap();
    assert_eq!(got, "b");
    hears(&store).await;

    let stream = Stream::start(&store);
    let safe = stream.goes_on(50).await;
    let owner = servers.owner(0, PREFIX).await.unwrap();
    let ack = cmd("WAIT").arg(1).arg(0).to_owned();
    assert_eq!(store.connection().run::<u64>(&ack).await.unwrap(), 1);
    let before = stream.goes_on(5).await;
    servers.nodes[owner].kill();
    stream.goes_on(50).await;
    let other = (owner + 1) % 3;
    assert_eq!(servers.owner(other, PREFIX).await, Some(owner + 3), "its replica took over");
    hears(&store).await;

    // Back to the first: the replica of now takes over again, and the nodes that were learnt help.
    servers.nodes[owner].go_on().await;
    servers.until_roles(owner + 3, owner).await;
    servers.nodes[owner + 3].kill();
    stream.goes_on(50).await;
    hears(&store).await;

    // Replication is not synchronous: what a replica had not got when its master died is gone, and nothing before that.
    let missing = stream.missing().await;
    assert!(missing.len() < 100, "{missing:?}");
    assert!(missing.first().is_none_or(|first| *first > safe), "killed after {before}, safe until {safe}: {missing:?}");
}

#[tokio::test]
async fn the_connection_follows_its_slot() {
    let servers = ClusterServers::start().await;
    let store = store(&servers).await;
    let stream = Stream::start(&store);
    stream.goes_on(20).await;
    let from = servers.owner(0, PREFIX).await.unwrap();
    let to = (from + 1) % 3;
    // More keys than move at once.
    for number in 0..30 {
        store.connection().run::<()>(cmd("SET").arg(format!("{PREFIX}key:{number}")).arg(number)).await.unwrap();
    }
    servers
        .move_slot(PREFIX, from, to, async || {
            // Half a slot is of no use to a script: nothing is done by halves, and nothing is refused.
            let impatient = store.connection().patient(Duration::from_millis(200));
            let script = Script::new("return redis.call('SCARD', KEYS[1] .. 'stream')");
            let answer: Result<u64, _> = impatient.script(&script.key(store.prefix())).await;
            assert!(answer.as_ref().is_err_and(StoreError::is_unavailable), "{answer:?}");
        })
        .await;
    stream.goes_on(50).await;
    assert_eq!(servers.owner(to, PREFIX).await, Some(to));
    hears(&store).await;
    assert_eq!(stream.missing().await, [0; 0], "no server died: nothing may be missing");
}

#[tokio::test]
async fn one_node_alone_is_not_a_redis() {
    let servers = ClusterServers::start().await;
    let owner = servers.owner(0, PREFIX).await.unwrap();
    let url = format!("redis://{}", servers.nodes[(owner + 1) % 3].address());
    let error = Store::connect(StoreConfig { patience: Duration::MAX, ..config_at(url) }).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)), "{error:?}");
}
