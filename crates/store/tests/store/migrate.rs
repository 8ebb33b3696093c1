//! Migrations, and the refusal of data that is newer than this version.

use redis::cmd;
use sluice_store::{Store, StoreConfig, StoreError};

use crate::{RedisServer, config, store};

#[tokio::test]
async fn an_empty_namespace_is_brought_up_once() {
    let redis = RedisServer::start().await;
    let (one, two) = (store(&redis).await, store(&redis).await);
    let (first, second) = tokio::join!(one.migrate(), two.migrate());
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!((first.to, second.to), (1, 1));
    assert_eq!(first.applied.len() + second.applied.len(), 1, "{first:?} {second:?}");
    assert!(one.migrate().await.unwrap().applied.is_empty());
    assert!(!redis.ask::<bool>(cmd("EXISTS").arg("{test}:schema:lock")).await.unwrap(), "the lock is given back");
}

#[tokio::test]
async fn newer_data_is_refused() {
    let redis = RedisServer::start().await;
    let running = store(&redis).await;
    redis.ask::<()>(cmd("SET").arg("{test}:schema").arg(99)).await.unwrap();
    let check = |result: Result<(), StoreError>| {
        assert!(matches!(result, Err(StoreError::NewerSchema { found: 99, known: 1 })), "{result:?}");
    };
    check(Store::connect(config(&redis)).await.map(drop));
    check(running.migrate().await.map(drop));
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_refused() {
    let redis = RedisServer::start().await;
    for bad in [
        StoreConfig { namespace: "a b".into(), ..config(&redis) },
        StoreConfig { secret_key: "short".into(), ..config(&redis) },
        StoreConfig { url: "http://user:hunter2@redis.example".into(), ..config(&redis) },
    ] {
        let error = Store::connect(bad).await.unwrap_err();
        assert!(matches!(error, StoreError::Config(_)), "{error:?}");
        assert!(!error.to_string().contains("hunter2"));
    }
}
