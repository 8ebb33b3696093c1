//! A master, a replica and three sentinels: a child each, gone with the test. Crate `queue` uses this file too; it needs
//! `redis_process` beside it.

#![allow(dead_code, reason = "each crate that includes this file needs another part of it")]

use std::collections::HashMap;

use redis::cmd;

use crate::redis_process::RedisProcess;

/// What the sentinels call the master.
pub(crate) const MASTER: &str = "house";

pub(crate) struct SentinelServers {
    /// The master at the beginning is the first.
    pub(crate) servers: [RedisProcess; 2],
    pub(crate) sentinels: Vec<RedisProcess>,
}

impl SentinelServers {
    /// Starts them, and waits until all know each other.
    pub(crate) async fn start() -> Self {
        let master = RedisProcess::server(&[]).await;
        let replica = RedisProcess::server(&[&format!("replicaof 127.0.0.1 {}", master.port())]).await;
        replica.until("the replica follows", &cmd("ROLE"), follows).await;
        let mut sentinels = Vec::new();
        for _ in 0..3 {
            let lines = [
                format!("sentinel monitor {MASTER} 127.0.0.1 {} 2", master.port()),
                format!("sentinel down-after-milliseconds {MASTER} 1000"),
                format!("sentinel failover-timeout {MASTER} 5000"),
            ];
            sentinels.push(RedisProcess::sentinel(&lines).await);
        }
        let servers = Self { servers: [master, replica], sentinels };
        servers.acquainted().await;
        servers
    }

    /// `redis.url`.
    pub(crate) fn url(&self) -> String {
        let sentinels: Vec<_> = self.sentinels.iter().map(RedisProcess::address).collect();
        format!("redis+sentinel://{}/{MASTER}/0", sentinels.join(","))
    }

    /// Which of [`SentinelServers::servers`] the sentinels call the master, as a living one says.
    pub(crate) async fn master(&self) -> usize {
        let mut address = cmd("SENTINEL");
        address.arg("GET-MASTER-ADDR-BY-NAME").arg(MASTER);
        let (_, port): (String, u16) = self.sentinels[0].ask(&address).await.expect("the sentinel answers");
        self.servers.iter().position(|server| server.port() == port).expect("one of ours")
    }

    /// Waits until every sentinel calls this server the master.
    pub(crate) async fn until_master(&self, server: usize) {
        let port = self.servers[server].port();
        let mut address = cmd("SENTINEL");
        address.arg("GET-MASTER-ADDR-BY-NAME").arg(MASTER);
        for sentinel in &self.sentinels {
            sentinel.until("the failover", &address, |(_, now): &(String, u16)| *now == port).await;
        }
    }

    /// Waits until this server, started again after a failover, follows the other.
    pub(crate) async fn until_replica(&self, server: usize) {
        self.servers[server].until("it was made a replica", &cmd("ROLE"), follows).await;
    }

    async fn acquainted(&self) {
        let mut state = cmd("SENTINEL");
        state.arg("MASTER").arg(MASTER);
        let mut quick = cmd("SENTINEL");
        // They tell each other about themselves every two seconds by default.
        quick.arg("DEBUG").arg("PUBLISH-PERIOD").arg(200).arg("INFO-PERIOD").arg(500);
        for sentinel in &self.sentinels {
            sentinel.ask::<()>(&quick).await.expect("SENTINEL DEBUG");
        }
        for sentinel in &self.sentinels {
            let known = |state: &HashMap<String, String>| {
                let is = |field: &str, want: &str| state.get(field).is_some_and(|value| value == want);
                is("num-other-sentinels", "2") && is("num-slaves", "1") && is("flags", "master")
            };
            sentinel.until("the sentinels know each other", &state, known).await;
        }
    }
}

fn follows(role: &redis::Role) -> bool {
    matches!(role, redis::Role::Replica { replication_state, .. } if replication_state == "connected")
}
