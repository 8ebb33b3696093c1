//! The queue's figures: `cargo xtask bench queue [pick-up] [enqueue] [drain] [trimming]`; all of them by default.
//!
//! A real Redis, and workers that are processes of their own: this program started again. Nothing is asserted: a figure is for
//! people to compare.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench ends where something is not as it should be")]
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod drain;
mod enqueue;
mod house;
mod pick_up;
#[allow(dead_code, reason = "no bench ends Redis in good order")]
#[path = "../../../store/tests/store/redis_server.rs"]
mod redis_server;
mod scripts;
mod trimming;
mod worker;

const ALL: [&str; 4] = ["pick-up", "enqueue", "drain", "trimming"];

#[tokio::main]
async fn main() {
    // Cargo adds `--bench` to every bench.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [word, url, slots, kept] = &arguments[..]
        && word == worker::WORD
    {
        return worker::run(url.clone(), slots.parse().expect("slots"), kept.parse().expect("jobs kept")).await;
    }
    let wanted: Vec<&str> =
        if arguments.is_empty() { ALL.to_vec() } else { arguments.iter().map(String::as_str).collect() };
    for name in wanted {
        match name {
            "pick-up" => pick_up::run().await,
            "enqueue" => enqueue::run().await,
            "drain" => drain::run().await,
            "trimming" => trimming::run().await,
            other => panic!("there is no {other}: only {}", ALL.join(", ")),
        }
    }
}
