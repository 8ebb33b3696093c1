//! Redis goes away and comes back.

use std::time::{Duration, Instant};

use sluice_store::{Store, StoreConfig, StoreError};

use crate::{RedisServer, config, store};

#[tokio::test]
async fn patience_ends() {
    let mut redis = RedisServer::start().await;
    let store = Store::connect(StoreConfig { patience: Duration::from_millis(200), ..config(&redis) }).await.unwrap();
    redis.stop().await;
    let begun = Instant::now();
    let error = store.ping().await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(Store::connect(StoreConfig { patience: Duration::ZERO, ..config(&redis) }).await.is_err());
}

#[tokio::test]
async fn a_redis_that_does_not_answer_is_not_waited_for_longer() {
    let redis = RedisServer::start().await;
    let store = Store::connect(StoreConfig { patience: Duration::from_millis(200), ..config(&redis) }).await.unwrap();
    redis.ask::<()>(redis::cmd("CLIENT").arg("PAUSE").arg(1500)).await.unwrap();
    let begun = Instant::now();
    assert!(store.ping().await.unwrap_err().is_unavailable());
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    // The reply that comes late belongs to nobody, and the next command gets its own.
    let patient = store.connection().patient(Duration::from_secs(10));
    assert_eq!(patient.run::<String>(redis::cmd("ECHO").arg("hello")).await.unwrap(), "hello");
}

#[tokio::test]
async fn the_patient_are_served_when_it_is_back() {
    let mut redis = RedisServer::start().await;
    let store = Store::connect(StoreConfig { patience: Duration::MAX, ..config(&redis) }).await.unwrap();
    store.migrate().await.unwrap();
    for kill in [false, true] {
        if kill {
            redis.kill();
        } else {
            redis.stop().await;
        }
        let waiting = tokio::spawn({
            let store = store.clone();
            async move { store.tokens().verify("slc_none").await }
        });
        redis.go_on().await;
        assert_eq!(waiting.await.unwrap().unwrap(), None);
    }
}

#[tokio::test]
async fn a_password_is_not_a_matter_of_patience() {
    let redis = RedisServer::start().await;
    let store = store(&redis).await;
    let refused = store.connection().run::<()>(&redis::cmd("NO_SUCH_COMMAND")).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
}
