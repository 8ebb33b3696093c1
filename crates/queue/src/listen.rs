//! Listening to pub/sub channels for ever, through every outage.
//!
//! Messages that are published while the line is down are lost; whoever listens is told when it is up again and must look for itself.

use std::time::Duration;

use futures::StreamExt as _;
use redis::aio::PubSub;
use sluice_store::Connection;

/// Something heard on the line.
pub(crate) enum Heard {
    /// The line is up, or up again: anything may have happened meanwhile.
    Connected,
    /// A message.
    Message(String),
}

/// The wait before dialling again. Short: a cut line must not delay a job much.
const PAUSE: Duration = Duration::from_millis(20);
/// The wait while Redis is away.
const LONG_PAUSE: Duration = Duration::from_millis(250);

/// The line is tried this often: one that was cut without a word would be silent for ever.
const TRY_EVERY: Duration = Duration::from_secs(10);
/// The longest wait for an answer on it.
const ANSWER: Duration = Duration::from_secs(5);

/// Listens until dropped.
pub(crate) async fn listen(connection: &Connection, channel: String, mut hear: impl FnMut(Heard)) {
    let channels = [channel];
    loop {
        let Ok(line) = connection.listen(&channels).await else {
            tokio::time::sleep(LONG_PAUSE).await;
            continue;
        };
        hear(Heard::Connected);
        until_cut(line, |text| hear(Heard::Message(text))).await;
        tokio::time::sleep(PAUSE).await;
    }
}

async fn until_cut(line: PubSub, mut hear: impl FnMut(String)) {
    let (mut sink, mut messages) = line.split();
    let mut tries = tokio::time::interval(TRY_EVERY);
    loop {
        tokio::select! {
            message = messages.next() => match message {
                None => return,
                Some(message) => message.get_payload().into_iter().for_each(&mut hear),
            },
            _ = tries.tick() => {
                // Messages that come meanwhile are kept by the line.
                if !matches!(tokio::time::timeout(ANSWER, sink.ping::<redis::Value>()).await, Ok(Ok(_))) {
                    return;
                }
            }
        }
    }
}
