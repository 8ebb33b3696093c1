//! The queue against a real Redis, with workers in this process.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something is not as it should be")]

mod attempts;
mod bounds;
mod cuts;
mod duplicates;
mod events;
mod fairness;
mod jobs;
mod lists;
mod loss;
mod operator;
mod outage;
mod pausing;
mod proxy;
#[path = "../../../store/tests/store/redis_server.rs"]
mod redis_server;
mod stopping;
mod world;
