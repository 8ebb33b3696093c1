//! So many in so long, for everybody who counts together.

use std::time::Duration;

use futures::future::join_all;
use redis::cmd;
use sluice_domain::{Rate, RateLimit};

use crate::{RedisServer, store};

fn rate(text: &str) -> Rate {
    text.parse::<RateLimit>().unwrap().0.unwrap()
}

#[tokio::test]
async fn all_at_once_and_then_one_by_one() {
    let redis = RedisServer::start().await;
    let (one, other) = (store(&redis).await, store(&redis).await);
    // A hundred takes by two processes at once: exactly so many pass.
    let takes = (0..100).map(|number| {
        let store = if number % 2 == 0 { &one } else { &other };
        async move { store.limits().take("x", "ada", rate("20/d")).await.unwrap() }
    });
    let waits: Vec<_> = join_all(takes).await.into_iter().flatten().collect();
    assert_eq!(waits.len(), 80);
    let (one_comes_back, almost) = (Duration::from_secs(86_400 / 20), Duration::from_secs(86_400 / 20 - 60));
    assert!(waits.iter().all(|wait| *wait > almost && *wait <= one_comes_back), "{waits:?}");
    for (what, who) in [("x", "ben"), ("y", "ada")] {
        assert_eq!(one.limits().take(what, who, rate("20/d")).await.unwrap(), None, "{what} {who}");
    }
}

#[tokio::test]
async fn one_comes_back_in_its_time_and_nothing_is_kept() {
    let redis = RedisServer::start().await;
    let store = store(&redis).await;
    let take = async || store.limits().take("x", "ada", rate("10/s")).await.unwrap();
    while take().await.is_none() {}
    let wait = take().await.unwrap();
    assert!(wait <= Duration::from_millis(100), "{wait:?}");
    tokio::time::sleep(wait).await;
    assert_eq!(take().await, None);
    let key: Vec<String> = redis.ask(cmd("KEYS").arg("*limit*")).await.unwrap();
    let left: u64 = redis.ask(cmd("PTTL").arg(&key[0])).await.unwrap();
    assert!((1..=1000).contains(&left), "it lives no longer than its rate: {left}");
    assert!(!key[0].contains("ada"), "{key:?}");
}

#[tokio::test]
async fn a_clock_that_was_set_back_keeps_nobody_out() {
    let redis = RedisServer::start().await;
    let store = store(&redis).await;
    let take = async || store.limits().take("x", "ada", rate("10/s")).await.unwrap();
    take().await;
    let key: Vec<String> = redis.ask(cmd("KEYS").arg("*limit*")).await.unwrap();
    redis.ask::<()>(cmd("SET").arg(&key[0]).arg("99999999999999999")).await.unwrap();
    assert_eq!(take().await, None);
}
