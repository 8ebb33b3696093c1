//! Cluster: every node says which master owns the slot of our namespace (<https://redis.io/docs/latest/commands/cluster-slots/>).
//!
//! All known nodes are asked at once. They may disagree for a moment; the owner itself settles it, because only it answers for a key of the
//! slot. Nodes that a cluster names are asked next time too, so the URL need not name all of them.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use redis::{
    ConnectionInfo, ErrorKind, FromRedisValue as _, RedisResult, ServerErrorKind, Value, aio::MultiplexedConnection,
    cmd, from_redis_value, pipe,
};

use super::{ask, at};

/// No more nodes than this are remembered; the ones in the URL always are.
const MAX_LEARNT: usize = 32;

/// How to ask.
pub(crate) struct Cluster {
    /// The nodes of the URL.
    named: Vec<ConnectionInfo>,
    /// Other nodes, as the cluster named them last.
    learnt: Mutex<Vec<Address>>,
    /// Any key of the slot that never exists: what all of ours begin with.
    key: String,
}

type Address = (String, u16);

/// What one node says.
struct View {
    /// Who owns our slot. An empty host is the node that was asked.
    owner: Option<Address>,
    /// Every node that serves slots, replicas too.
    nodes: Vec<Address>,
}

impl Cluster {
    pub(super) fn new(named: Vec<ConnectionInfo>, prefix: &str) -> Self {
        Self { named, learnt: Mutex::default(), key: prefix.to_owned() }
    }

    pub(super) async fn reach<T, Dialled>(&self, dial: impl Fn(ConnectionInfo) -> Dialled) -> Result<T, String>
    where
        Dialled: Future<Output = Result<T, String>>,
    {
        let key = self.key.clone();
        let mut asked = ask::all(self.nodes(), move |node| view(node, key.clone()));
        let mut tried = HashSet::new();
        let mut fault = "no node of the cluster".to_owned();
        while let Some(answer) = asked.join_next().await {
            let (node, view) = match answer {
                Ok((node, Ok(view))) => (node, view),
                Ok((_, Err(error))) => {
                    fault = error;
                    continue;
                }
                Err(error) => {
                    fault = error.to_string();
                    continue;
                }
            };
            let Some((host, port)) = view.owner else {
                fault = super::told(&node, "no node owns the slot of redis.namespace");
                continue;
            };
            let owner = if host.is_empty() { node } else { at(&node, &host, port) };
            if !tried.insert(owner.addr().to_string()) {
                continue;
            }
            match dial(owner).await {
                Ok(dialled) => {
                    self.learn(view.nodes);
                    return Ok(dialled);
                }
                Err(error) => fault = error,
            }
        }
        Err(fault)
    }

    /// Only the owner of the slot answers for its keys; while the slot is being moved away, it sends those who ask for what is missing on.
    pub(super) async fn prove(&self, connection: &mut MultiplexedConnection) -> Result<(), String> {
        match cmd("EXISTS").arg(&self.key).query_async::<Value>(connection).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::Ask) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn nodes(&self) -> Vec<ConnectionInfo> {
        let learnt = self.learnt.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let learnt = learnt.iter().filter_map(|(host, port)| Some(at(self.named.first()?, host, *port)));
        let mut seen = HashSet::new();
        self.named.iter().cloned().chain(learnt).filter(|node| seen.insert(node.addr().to_string())).collect()
    }

    fn learn(&self, mut nodes: Vec<Address>) {
        nodes.sort();
        nodes.dedup();
        nodes.truncate(MAX_LEARNT);
        *self.learnt.lock().unwrap_or_else(PoisonError::into_inner) = nodes;
    }
}

async fn view(mut node: MultiplexedConnection, key: String) -> RedisResult<View> {
    let (slot, ranges): (u16, Vec<Vec<Value>>) =
        pipe().cmd("CLUSTER").arg("KEYSLOT").arg(&key).cmd("CLUSTER").arg("SLOTS").query_async(&mut node).await?;
    read(slot, ranges)
}

/// Each range of slots is its first, its last, its master, and then its replicas; each server is host, port, id and more.
fn read(slot: u16, ranges: Vec<Vec<Value>>) -> RedisResult<View> {
    let mut view = View { owner: None, nodes: Vec::new() };
    for range in ranges {
        let mut range = range.into_iter();
        let (Some(first), Some(last)) = (range.next(), range.next()) else { continue };
        let ours = (from_redis_value::<u16>(first)?..=from_redis_value(last)?).contains(&slot);
        for (place, server) in range.enumerate() {
            let server = Vec::<Value>::from_redis_value(server)?;
            let mut server = server.into_iter();
            let (Some(host), Some(port)) = (server.next(), server.next()) else { continue };
            // Nothing: the server that was asked. A question mark: it does not know.
            let host: Option<String> = from_redis_value(host)?;
            let address = (host.unwrap_or_default(), from_redis_value(port)?);
            if address.0 == "?" {
                continue;
            }
            if ours && place == 0 {
                view.owner = Some(address.clone());
            }
            if !address.0.is_empty() {
                view.nodes.push(address);
            }
        }
    }
    Ok(view)
}

#[cfg(test)]
mod tests {
    use redis::ConnectionAddr;

    use super::*;

    fn server(host: Option<&str>, port: i64) -> Value {
        let host = host.map_or(Value::Nil, |host| Value::BulkString(host.into()));
        Value::Array(vec![host, Value::Int(port), Value::BulkString(b"id".to_vec()), Value::Array(vec![])])
    }

    #[test]
    fn the_owner_is_the_first_server_of_the_range_with_the_slot() {
        let ranges = || {
            vec![
                vec![Value::Int(0), Value::Int(99), server(Some("a"), 1), server(Some("b"), 2)],
                vec![Value::Int(100), Value::Int(100), server(None, 3), server(Some("a"), 1)],
                vec![Value::Int(101), Value::Int(200), server(Some("?"), 4)],
            ]
        };
        let owner = |slot| read(slot, ranges()).unwrap().owner;
        assert_eq!(owner(0), Some(("a".into(), 1)));
        assert_eq!(owner(99), Some(("a".into(), 1)));
        assert_eq!(owner(100), Some((String::new(), 3)));
        assert_eq!(owner(150), None);
        assert_eq!(owner(201), None);
        let nodes = read(0, ranges()).unwrap().nodes;
        assert_eq!(nodes, [("a".into(), 1), ("b".into(), 2), ("a".into(), 1)]);
    }

    #[test]
    fn nodes_are_learnt_once_and_bounded() {
        let named = super::super::url::cluster("redis", "a:1").unwrap();
        let cluster = Cluster::new(named, "{test}:");
        cluster.learn((0..100).flat_map(|port| [("a".to_owned(), port), ("a".to_owned(), port)]).collect());
        assert_eq!(cluster.nodes().len(), MAX_LEARNT);
        assert!(matches!(cluster.nodes()[0].addr(), ConnectionAddr::Tcp(_, 1)));
    }
}
