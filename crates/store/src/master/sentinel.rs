//! Sentinel: its sentinels say which server is the master (<https://redis.io/docs/latest/develop/reference/sentinel-clients/>).
//!
//! All of them are asked at once, and the newest view is believed, of at least half. A single one may be behind the times: a host that comes back
//! with an old master and an old sentinel on it would otherwise win us over, and what the old master accepts is lost when it is demoted. More than
//! half have agreed to every failover, but only the one that carried it out knows at once that it was, and it tells the others within seconds. So
//! when half have answered, the rest have a moment yet.

use std::{collections::HashMap, time::Duration};

use redis::{ConnectionInfo, RedisResult, Role, aio::MultiplexedConnection, cmd, pipe};
use tokio::{
    task::{JoinError, JoinSet},
    time::Instant,
};

use super::{ask, at, url::SentinelUrl};

/// How long the others may take to answer, when enough have: no healthy one takes as long, and one that is dead without a word costs no more.
const MOMENT: Duration = Duration::from_millis(500);

/// How to ask.
pub(crate) struct Sentinels(SentinelUrl);

/// What one sentinel says.
struct View {
    /// Grows with each failover.
    epoch: u64,
    host: String,
    port: u16,
}

impl Sentinels {
    pub(super) fn new(url: SentinelUrl) -> Self {
        Self(url)
    }

    /// Where the master is.
    pub(super) async fn find(&self) -> Result<ConnectionInfo, String> {
        let Self(url) = self;
        let name = url.name.clone();
        let mut asked = ask::all(url.sentinels.iter().cloned(), move |sentinel| view(sentinel, name.clone()));
        let enough = url.sentinels.len().div_ceil(2);
        let mut views = Vec::new();
        let mut fault = String::new();
        let mut until = None;
        while let Some(answer) = next(&mut asked, until).await {
            match answer {
                Ok((_, Ok(Some(view)))) => views.push(view),
                Ok((sentinel, Ok(None))) => fault = super::told(&sentinel, "knows no master of this name"),
                Ok((_, Err(error))) => fault = error,
                Err(error) => fault = error.to_string(),
            }
            if views.len() == enough {
                until.get_or_insert_with(|| Instant::now() + MOMENT);
            }
        }
        if views.len() < enough {
            let (few, all) = (views.len(), url.sentinels.len());
            return Err(format!("{few} of {all} sentinels say where the master is, {enough} must ({fault})"));
        }
        let newest = views.into_iter().max_by_key(|view| view.epoch).ok_or(fault)?;
        Ok(at(&url.master, &newest.host, newest.port))
    }
}

/// The next answer, unless it comes too late.
async fn next<T: 'static>(asked: &mut JoinSet<T>, until: Option<Instant>) -> Option<Result<T, JoinError>> {
    match until {
        Some(until) => tokio::time::timeout_at(until, asked.join_next()).await.ok().flatten(),
        None => asked.join_next().await,
    }
}

async fn view(mut sentinel: MultiplexedConnection, name: String) -> RedisResult<Option<View>> {
    // In the middle of a failover the first knows the new address already, the second is where the epoch stands.
    let (address, state): (Option<(String, u16)>, HashMap<String, String>) = pipe()
        .cmd("SENTINEL")
        .arg("GET-MASTER-ADDR-BY-NAME")
        .arg(&name)
        .cmd("SENTINEL")
        .arg("MASTER")
        .arg(&name)
        .query_async(&mut sentinel)
        .await?;
    let epoch = state.get("config-epoch").and_then(|epoch| epoch.parse().ok()).unwrap_or(0);
    Ok(address.map(|(host, port)| View { epoch, host, port }))
}

/// Does the server itself say that it is a master?
pub(super) async fn prove(connection: &mut MultiplexedConnection) -> Result<(), String> {
    match cmd("ROLE").query_async(connection).await {
        Ok(Role::Primary { .. }) => Ok(()),
        Ok(_) => Err("the server that the sentinels name is not a master".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
