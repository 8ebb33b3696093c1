//! A cluster of three masters with a replica each: a child each, gone with the test. Crate `queue` uses this file too; it needs
//! `redis_process` beside it.

#![allow(dead_code, reason = "each crate that includes this file needs another part of it")]

use std::time::Duration;

use redis::{Value, cmd};

use crate::redis_process::RedisProcess;

/// A node that is silent for longer is taken for dead.
const NODE_TIMEOUT: Duration = Duration::from_millis(1500);
const SLOTS: usize = 16384;

pub(crate) struct ClusterServers {
    /// Three masters; then the replica of each, in the same order.
    pub(crate) nodes: Vec<RedisProcess>,
}

impl ClusterServers {
    /// Starts them, and waits until all of them agree and every replica follows its master.
    pub(crate) async fn start() -> Self {
        let mut nodes = Vec::new();
        for _ in 0..6 {
            nodes.push(RedisProcess::node(NODE_TIMEOUT).await);
        }
        let cluster = Self { nodes };
        for (index, master) in cluster.nodes[..3].iter().enumerate() {
            let (first, end) = (index * SLOTS / 3, (index + 1) * SLOTS / 3);
            let epoch = cmd("CLUSTER").arg("SET-CONFIG-EPOCH").arg(index + 1).to_owned();
            master.ask::<()>(&epoch).await.expect("SET-CONFIG-EPOCH");
            let add = cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(first).arg(end - 1).to_owned();
            master.ask::<()>(&add).await.expect("ADDSLOTSRANGE");
        }
        let first = &cluster.nodes[0];
        for node in &cluster.nodes[1..] {
            let meet = cmd("CLUSTER").arg("MEET").arg("127.0.0.1").arg(node.port()).arg(node.bus_port()).to_owned();
            first.ask::<()>(&meet).await.expect("MEET");
        }
        for node in &cluster.nodes {
            let known = |nodes: &String| nodes.lines().filter(|line| !line.contains("handshake")).count() == 6;
            node.until("the nodes know each other", cmd("CLUSTER").arg("NODES"), known).await;
        }
        // So far all are masters, of which the last three have no slots.
        for index in 0..3 {
            let follow = cmd("CLUSTER").arg("REPLICATE").arg(cluster.id(index).await).to_owned();
            cluster.nodes[index + 3].ask::<()>(&follow).await.expect("REPLICATE");
        }
        cluster.until_whole().await;
        cluster
    }

    /// `redis.url`: two nodes, so that the others must be learnt.
    pub(crate) fn url(&self) -> String {
        format!("redis+cluster://{},{}", self.nodes[0].address(), self.nodes[4].address())
    }

    /// Which of [`ClusterServers::nodes`] owns the slot of this key, as `asked` says.
    pub(crate) async fn owner(&self, asked: usize, key: &str) -> Option<usize> {
        let slot = self.slot(asked, key).await;
        let ranges: Vec<(usize, usize, Vec<Value>)> = self.ranges(asked).await;
        let (.., server) = ranges.into_iter().find(|(first, last, _)| (*first..=*last).contains(&slot))?;
        let port: u16 = redis::from_redis_value(server.into_iter().nth(1)?).ok()?;
        self.nodes.iter().position(|node| node.port() == port)
    }

    /// Moves the slot of this key, and all keys in it, from the master that owns it to another, key by key as `redis-cli --cluster reshard`
    /// does; calls `halfway` when some of the keys have moved.
    pub(crate) async fn move_slot(&self, key: &str, from: usize, to: usize, halfway: impl AsyncFnOnce()) {
        let slot = self.slot(from, key).await;
        let set = |node: usize, state: &'static str, id: String| async move {
            let set = cmd("CLUSTER").arg("SETSLOT").arg(slot).arg(state).arg(id).to_owned();
            self.nodes[node].ask::<()>(&set).await.expect("SETSLOT");
        };
        set(to, "IMPORTING", self.id(from).await).await;
        set(from, "MIGRATING", self.id(to).await).await;
        let keys = |count: usize| cmd("CLUSTER").arg("GETKEYSINSLOT").arg(slot).arg(count).to_owned();
        let mut halfway = Some(halfway);
        loop {
            let some: Vec<String> = self.nodes[from].ask(&keys(10)).await.expect("GETKEYSINSLOT");
            if some.is_empty() {
                break;
            }
            let mut migrate = cmd("MIGRATE");
            migrate.arg("127.0.0.1").arg(self.nodes[to].port()).arg("").arg(0).arg(5000).arg("KEYS").arg(&some);
            self.nodes[from].ask::<()>(&migrate).await.expect("MIGRATE");
            if let Some(halfway) = halfway.take() {
                halfway().await;
            }
        }
        for node in [to, from] {
            set(node, "NODE", self.id(to).await).await;
        }
    }

    /// What the cluster calls this node.
    pub(crate) async fn id(&self, node: usize) -> String {
        self.nodes[node].ask(cmd("CLUSTER").arg("MYID")).await.expect("MYID")
    }

    /// Waits until every node says that the cluster works, and knows three replicas that follow.
    pub(crate) async fn until_whole(&self) {
        for node in &self.nodes {
            let whole = |info: &String| info.contains("cluster_state:ok") && info.contains("cluster_size:3");
            node.until("the cluster works", cmd("CLUSTER").arg("INFO"), whole).await;
            let replicas = |slots: &Vec<Vec<Value>>| slots.len() >= 3 && slots.iter().all(|range| range.len() == 4);
            node.until("each master has a replica", cmd("CLUSTER").arg("SLOTS"), replicas).await;
        }
        for node in &self.nodes {
            let linked = |info: &String| info.contains("role:master") || info.contains("master_link_status:up");
            node.until("the replica follows", cmd("INFO").arg("replication"), linked).await;
        }
    }

    /// Waits until every node says that one of a pair is the master and the other follows it.
    pub(crate) async fn until_roles(&self, master: usize, replica: usize) {
        let port = self.nodes[master].port();
        let follows = |role: &redis::Role| {
            matches!(role, redis::Role::Replica { primary_port, replication_state, .. }
                if *primary_port == port && replication_state == "connected")
        };
        self.nodes[replica].until("it follows", &cmd("ROLE"), follows).await;
        self.until_whole().await;
    }

    async fn slot(&self, asked: usize, key: &str) -> usize {
        self.nodes[asked].ask(cmd("CLUSTER").arg("KEYSLOT").arg(key)).await.expect("KEYSLOT")
    }

    async fn ranges(&self, asked: usize) -> Vec<(usize, usize, Vec<Value>)> {
        let ranges: Vec<Vec<Value>> = self.nodes[asked].ask(cmd("CLUSTER").arg("SLOTS")).await.expect("SLOTS");
        let number = |value: &Value| redis::from_redis_value_ref(value).expect("a number");
        let read = |range: Vec<Value>| {
            let server = redis::from_redis_value_ref(&range[2]).expect("a server");
            (number(&range[0]), number(&range[1]), server)
        };
        ranges.into_iter().map(read).collect()
    }
}
