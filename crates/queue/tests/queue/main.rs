//! The queue against a real Redis, with workers in this process.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something is not as it should be")]

mod attempts;
mod bounds;
#[path = "../../../store/tests/store/cluster_servers.rs"]
mod cluster_servers;
mod cuts;
mod duplicates;
mod events;
mod failover;
mod fairness;
mod holding;
mod jobs;
mod lists;
mod loss;
mod model;
mod operator;
mod outage;
mod pausing;
mod proxy;
#[path = "../../../store/tests/store/redis_process.rs"]
mod redis_process;
#[path = "../../../store/tests/store/redis_server.rs"]
mod redis_server;
mod saving;
#[path = "../../../store/tests/store/sentinel_servers.rs"]
mod sentinel_servers;
mod stopping;
mod world;
