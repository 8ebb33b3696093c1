//! A process with another `security.secret_key` than the others is told so at its start.

use redis::cmd;
use sluice_store::{Store, StoreConfig, StoreError};

use crate::{RedisServer, SECRET_KEY, config};

const NEW_KEY: &str = "a-new-secret-key-for-tests-only";

async fn start(redis: &RedisServer, keys: &str) -> Result<Store, StoreError> {
    let store = Store::connect(StoreConfig { secret_key: keys.into(), ..config(redis) }).await?;
    store.migrate().await?;
    Ok(store)
}

fn refused(result: Result<Store, StoreError>) {
    let error = result.unwrap_err();
    assert!(matches!(error, StoreError::WrongKey), "{error:?}");
    assert!(error.to_string().contains("security.secret_key differs"), "{error}");
}

#[tokio::test]
async fn another_key_is_refused() {
    let redis = RedisServer::start().await;
    start(&redis, SECRET_KEY).await.unwrap();
    start(&redis, SECRET_KEY).await.unwrap();
    refused(start(&redis, NEW_KEY).await);
    refused(Store::connect(StoreConfig { secret_key: NEW_KEY.into(), ..config(&redis) }).await);
}

#[tokio::test]
async fn of_two_that_start_at_once_with_different_keys_one_is_refused() {
    let redis = RedisServer::start().await;
    let (one, two) = tokio::join!(start(&redis, SECRET_KEY), start(&redis, NEW_KEY));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    refused(if one.is_err() { one } else { two });
}

#[tokio::test]
async fn keys_rotate() {
    let redis = RedisServer::start().await;
    start(&redis, SECRET_KEY).await.unwrap();
    let both = format!("{NEW_KEY} {SECRET_KEY}");
    start(&redis, &both).await.unwrap();
    start(&redis, &both).await.unwrap();
    start(&redis, NEW_KEY).await.unwrap();
    refused(start(&redis, SECRET_KEY).await);
}

#[tokio::test]
async fn looking_leaves_nothing_behind() {
    let redis = RedisServer::start().await;
    Store::connect(config(&redis)).await.unwrap().inspect().await.unwrap();
    assert_eq!(redis.ask::<u64>(&cmd("DBSIZE")).await.unwrap(), 0);
}
