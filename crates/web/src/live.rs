//! Server-sent events: one stream for a page or an API client, from the queue's events to text.
//!
//! An event only names a job; what is sent is the record, read when the event comes, so the last message is always the truth. The stream
//! begins with everything that the listener may have missed, says something every few seconds, and ends when the session ends or this
//! process stops.

mod voice;

use std::{convert::Infallible, time::Duration};

use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_ENCODING},
    web::{Bytes, Data},
};
use async_stream::stream;
use futures::{Stream, StreamExt as _};
use serde::Serialize;
use sluice_domain::AccountId;
use sluice_queue::JobEvent;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::state::State;
pub(crate) use voice::{Feed, Voice};

/// A proxy closes what is silent for a minute, and a listener who was signed out elsewhere is noticed at the next one.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// While events flow, the session is looked at no more often than this.
const TRUST: Duration = Duration::from_secs(1);

/// Too many listeners in this process.
#[derive(Debug)]
pub(crate) struct Busy;

/// The stream as a response.
pub(crate) fn listen(state: Data<State>, account: AccountId, voice: Voice) -> Result<HttpResponse, Busy> {
    let permit = state.streams.clone().try_acquire_owned().map_err(|_| Busy)?;
    // Listening begins before the first look: nothing falls between.
    let events = state.queue.events(&account);
    let body = body(state, account, voice, events, permit);
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream; charset=utf-8")
        .insert_header((CACHE_CONTROL, "no-store, no-transform"))
        // Neither our compression nor a proxy's buffer may hold events back.
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(body))
}

fn body(
    state: Data<State>,
    account: AccountId,
    voice: Voice,
    events: impl Stream<Item = JobEvent> + Send + 'static,
    permit: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream! {
        let _permit = permit;
        let mut events = std::pin::pin!(events);
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut trusted = Instant::now();
        yield Ok(Bytes::from_static(b"retry: 2000\n\n"));
        match voice.all(&state, &account).await {
            Ok(text) => yield Ok(text),
            // Whoever listens comes back by itself, and then hears everything.
            Err(_) => return,
        }
        loop {
            let event = tokio::select! {
                () = state.stop.cancelled() => return,
                event = events.next() => match event {
                    Some(event) => Some(event),
                    None => return,
                },
                _ = heartbeat.tick() => None,
            };
            if event.is_none() || trusted.elapsed() >= TRUST {
                if !voice.may_listen(&state).await {
                    yield Ok(message("bye", &()));
                    return;
                }
                trusted = Instant::now();
            }
            let said = match &event {
                None => Ok(Some(Bytes::from_static(b": still here\n\n"))),
                Some(JobEvent::Resync) => voice.all(&state, &account).await.map(Some),
                Some(JobEvent::Deleted(id)) => Ok(voice.gone(id)),
                Some(JobEvent::Changed(id)) => voice.changed(&state, &account, id).await,
            };
            match said {
                Ok(Some(text)) => yield Ok(text),
                Ok(None) => {}
                Err(_) => return,
            }
        }
    }
}

/// One event. Its JSON has no line breaks, so it is one `data:` line.
pub(crate) fn message(event: &str, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned());
    Bytes::from(format!("event: {event}\ndata: {data}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_of_data() {
        let text = message("job", &serde_json::json!({ "html": "a\nb" }));
        assert_eq!(text, "event: job\ndata: {\"html\":\"a\\nb\"}\n\n");
    }
}
