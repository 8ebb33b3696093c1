//! The web server as its clients see it: the real server on a free port, a real Redis, real workers with a scripted job body.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod api;
mod attacks;
mod dropbox;
mod duplicates;
mod ears;
mod forms;
mod house;
mod isolation;
mod limits;
mod lists;
mod live;
mod operator;
mod outage;
mod pages;
mod picture;
mod playground;
mod scopes;
mod script;
