//! From one secret key to the next, beside everything else.

use std::time::Duration;

use jiff::Timestamp;
use redis::cmd;
use secrecy::ExposeSecret as _;
use sluice_domain::{AccountId, Folder, Preset};
use sluice_store::{Account, LINK_PURPOSE, Login, Rotation, Seals, Store, StoreConfig};

use crate::{RedisServer, SECRET_KEY, config};

const NEW_KEY: &str = "a-new-secret-key-for-tests-only";
const PEOPLE: u64 = 1_200;

async fn open(redis: &RedisServer, keys: &str) -> Store {
    let store = Store::connect(StoreConfig { secret_key: keys.into(), ..config(redis) }).await.unwrap();
    store.migrate().await.unwrap();
    store
}

fn id(number: u64) -> AccountId {
    format!("dbid:{number}").parse().unwrap()
}

async fn put(store: &Store, number: u64, token: &str) {
    let account = Account {
        id: id(number),
        display_name: String::new(),
        email: String::new(),
        refresh_token: token.into(),
        scopes: Vec::new(),
        connected_at: Timestamp::UNIX_EPOCH,
        disconnected: false,
        folder: Folder::default(),
        preset: Preset::Best,
    };
    store.accounts().put(&account).await.unwrap();
}

async fn token(store: &Store, number: u64) -> String {
    store.accounts().refresh_token(&id(number)).await.unwrap().unwrap().expose_secret().to_owned()
}

#[tokio::test]
async fn everything_gets_a_new_seal_and_the_old_key_can_go() {
    let redis = RedisServer::start().await;
    let old = open(&redis, SECRET_KEY).await;
    for number in 0..PEOPLE {
        put(&old, number, &format!("token {number}")).await;
    }
    // What else an account has, and what is no secret, is left alone.
    old.sessions().create(&id(0)).await.unwrap();
    old.accounts().set_pause(&id(0), Duration::from_secs(60)).await.unwrap();
    let login = Login { verifier: "v".into(), binding: "b".into(), return_to: "/".into() };
    old.logins().put("state", &login).await.unwrap();
    let sealed = old.seal(LINK_PURPOSE, &id(0), &"https://u:p@a.example/".into()).unwrap();
    let job = |name: &str| format!("{{test}}:job:{name}");
    for (name, url) in [("sealed", sealed.as_str()), ("plain", "https://a.example/")] {
        let set = cmd("HSET").arg(job(name)).arg("url").arg(url).arg("account").arg("dbid:0").to_owned();
        redis.ask::<()>(&set).await.unwrap();
    }
    assert_eq!(old.seals().await.unwrap(), Seals { newest: PEOPLE + 2, ..Seals::default() });

    let both = open(&redis, &format!("{NEW_KEY} {SECRET_KEY}")).await;
    assert_eq!(both.seals().await.unwrap(), Seals { older: PEOPLE + 2, ..Seals::default() });
    let rotation = both.rotate_key().await.unwrap();
    let seals = Seals { newest: PEOPLE + 2, ..Seals::default() };
    assert_eq!(rotation, Rotation { resealed: PEOPLE + 2, seals });
    assert_eq!(both.rotate_key().await.unwrap(), Rotation { resealed: 0, seals }, "nothing is left to do");

    let new = open(&redis, NEW_KEY).await;
    for number in 0..PEOPLE {
        assert_eq!(token(&new, number).await, format!("token {number}"));
    }
    let url: String = redis.ask(cmd("HGET").arg(job("sealed")).arg("url")).await.unwrap();
    assert_eq!(new.unseal(LINK_PURPOSE, &id(0), &url).unwrap().expose_secret(), "https://u:p@a.example/");
    let left: i64 = redis.ask(cmd("EVAL").arg(TTL_OF_LOGIN).arg(0)).await.unwrap();
    assert!((1..=600).contains(&left), "a sign-in under way still ends: {left}");
    assert_eq!(new.logins().take("state").await.unwrap().unwrap().verifier.expose_secret(), "v");
}

const TTL_OF_LOGIN: &str = "return redis.call('TTL', redis.call('KEYS', '{test}:login:*')[1])";

#[tokio::test]
async fn what_is_written_meanwhile_is_not_undone() {
    let redis = RedisServer::start().await;
    let old = open(&redis, SECRET_KEY).await;
    for number in 0..PEOPLE {
        put(&old, number, "before").await;
    }
    let both = open(&redis, &format!("{NEW_KEY} {SECRET_KEY}")).await;
    // A process that was not restarted yet signs people in again, under the old key, while the walk goes on.
    let writing = async {
        for number in 0..PEOPLE {
            put(&old, number, "after").await;
        }
    };
    let (rotation, ()) = tokio::join!(both.rotate_key(), writing);
    rotation.unwrap();
    let last = both.rotate_key().await.unwrap();
    assert_eq!(last.seals, Seals { newest: PEOPLE, ..Seals::default() });
    let new = open(&redis, NEW_KEY).await;
    for number in 0..PEOPLE {
        assert_eq!(token(&new, number).await, "after");
    }
}

#[tokio::test]
async fn what_nobody_can_open_is_counted() {
    let redis = RedisServer::start().await;
    let store = open(&redis, SECRET_KEY).await;
    put(&store, 0, "t").await;
    redis
        .ask::<()>(cmd("HSET").arg("{test}:account:dbid:1").arg("refresh_token").arg("v1.00000000.AAAA"))
        .await
        .unwrap();
    let seals = Seals { newest: 1, older: 0, unknown: 1 };
    assert_eq!(store.rotate_key().await.unwrap(), Rotation { resealed: 0, seals });
}
