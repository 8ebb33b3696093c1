//! The store against a real Redis.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something is not as it should be")]

mod canary;
mod cluster;
mod cluster_servers;
mod limits;
mod migrate;
mod outage;
mod people;
mod redis_process;
mod redis_server;
mod replicas;
mod rotation;
mod sentinel;
mod sentinel_servers;
mod stream;

use std::time::Duration;

use redis_server::RedisServer;
use sluice_store::{Store, StoreConfig};

const SECRET_KEY: &str = "a-secret-key-for-tests-only";

fn config(redis: &RedisServer) -> StoreConfig {
    config_at(redis.url())
}

fn config_at(url: String) -> StoreConfig {
    StoreConfig {
        url: url.into(),
        namespace: "test".into(),
        secret_key: SECRET_KEY.into(),
        patience: Duration::from_secs(5),
    }
}

async fn store(redis: &RedisServer) -> Store {
    Store::connect(config(redis)).await.unwrap()
}
