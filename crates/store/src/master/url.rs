//! The URLs that name several servers. The `url` crate knows one host with a port, so the list is taken apart here and each host is read as a
//! plain Redis URL. No fault quotes any part of the URL: it may hold passwords.

use redis::{ConnectionInfo, IntoConnectionInfo as _, RedisConnectionInfo, parse_redis_url};

use crate::StoreError;

/// All forms, for people.
pub(super) const FORMS: &str = "redis://HOST:PORT/0, rediss:// (TLS), redis+unix:///path, \
     redis+sentinel://HOST:PORT,HOST:PORT/MASTERNAME/0 or redis+cluster://HOST:PORT,HOST:PORT";
const SENTINEL_FORM: &str = "redis+sentinel://[USER:PASSWORD@]HOST:PORT,HOST:PORT,.../MASTERNAME[/DB][?sentinel_user=...&sentinel_password=...]";
const CLUSTER_FORM: &str = "redis+cluster://[USER:PASSWORD@]HOST:PORT,HOST:PORT,...";

/// Where sentinels listen when the URL does not say.
const SENTINEL_PORT: u16 = 26379;
/// Where nodes of a cluster listen when the URL does not say.
const REDIS_PORT: u16 = 6379;
/// More servers than anybody runs sentinels; each dial asks all of them.
const MAX_SERVERS: usize = 32;

/// What a URL for Sentinel says.
pub(super) struct SentinelUrl {
    /// How to dial each sentinel.
    pub(super) sentinels: Vec<ConnectionInfo>,
    /// What the sentinels call the master.
    pub(super) name: String,
    /// How to dial the master, except where.
    pub(super) master: ConnectionInfo,
}

pub(super) fn bad(form: &str) -> StoreError {
    StoreError::Config(format!("redis.url cannot be read: write {form}"))
}

/// Reads what follows `redis+sentinel://`; the scheme says whether to speak TLS, to the sentinels and to the master.
pub(super) fn sentinel(scheme: &str, rest: &str) -> Result<SentinelUrl, StoreError> {
    let bad = || bad(SENTINEL_FORM);
    let list = List::take_apart(scheme, rest).ok_or_else(bad)?;
    let mut first = parse_redis_url(&list.first).ok_or_else(bad)?;
    let segments: Vec<&str> = first.path().trim_matches('/').split('/').collect();
    let (name, db) = match segments[..] {
        [name] => (name.to_owned(), "0".to_owned()),
        [name, db] => (name.to_owned(), db.to_owned()),
        _ => return Err(bad()),
    };
    // What Sentinel itself allows in a name.
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')) {
        return Err(bad());
    }
    let mut credentials = RedisConnectionInfo::default();
    for (key, value) in first.query_pairs() {
        credentials = match &*key {
            "sentinel_user" => credentials.set_username(value),
            "sentinel_password" => credentials.set_password(value),
            _ => return Err(bad()),
        };
    }
    first.set_query(None);
    first.set_path(&db);
    let master = first.into_connection_info().map_err(|_| bad())?;
    let sentinels = list.servers(SENTINEL_PORT).ok_or_else(bad)?;
    let sentinels = sentinels.into_iter().map(|server| server.set_redis_settings(credentials.clone())).collect();
    Ok(SentinelUrl { sentinels, name, master })
}

/// Reads what follows `redis+cluster://`: how to dial each of these nodes.
pub(super) fn cluster(scheme: &str, rest: &str) -> Result<Vec<ConnectionInfo>, StoreError> {
    let bad = || bad(CLUSTER_FORM);
    let list = List::take_apart(scheme, rest).ok_or_else(bad)?;
    let first = parse_redis_url(&list.first).ok_or_else(bad)?;
    // A cluster has one database, 0.
    if !first.path().trim_matches('/').is_empty() || first.query().is_some() {
        return Err(bad());
    }
    let settings = first.into_connection_info().map_err(|_| bad())?.redis_settings().clone();
    let nodes = list.servers(REDIS_PORT).ok_or_else(bad)?;
    Ok(nodes.into_iter().map(|node| node.set_redis_settings(settings.clone())).collect())
}

struct List<'a> {
    scheme: &'a str,
    hosts: Vec<&'a str>,
    /// Everything, with the first host alone.
    first: String,
}

impl<'a> List<'a> {
    fn take_apart(scheme: &'a str, rest: &'a str) -> Option<Self> {
        if rest.contains('#') {
            return None;
        }
        let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (format!("{user}@"), hosts),
            None => (String::new(), authority),
        };
        let hosts: Vec<&str> = hosts.split(',').map(str::trim).collect();
        if hosts.len() > MAX_SERVERS {
            return None;
        }
        let first = format!("{scheme}://{user}{}{tail}", hosts.first()?);
        Some(Self { scheme, hosts, first })
    }

    fn servers(&self, default_port: u16) -> Option<Vec<ConnectionInfo>> {
        let server = |host: &&str| {
            let mut url = parse_redis_url(&format!("{}://{host}", self.scheme))?;
            let port = url.port().unwrap_or(default_port);
            url.set_port(Some(port)).ok()?;
            url.into_connection_info().ok()
        };
        self.hosts.iter().map(server).collect()
    }
}

#[cfg(test)]
mod tests;
