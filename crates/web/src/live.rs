//! Server-sent events: one stream for a page or an API client, from the queue's events to text.
//!
//! An event only names a job; what is sent is the record, read when the event comes, so the last message is always the truth. The stream
//! begins with everything that the listener may have missed, says something every few seconds, and ends when the session ends or this
//! process stops.

mod seats;
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
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::state::State;
use seats::Seat;
pub(crate) use seats::Seats;
pub(crate) use voice::{Feed, Seen, Voice};

/// A proxy closes what is silent for a minute, and a listener who was signed out elsewhere is noticed at the next one.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// While events flow, the session is looked at no more often than this.
const TRUST: Duration = Duration::from_secs(1);

/// Events that are looked at together: a list may change hundreds of jobs at once.
const MOST_AT_ONCE: usize = 64;

/// Too many listeners in this process, or of this account.
#[derive(Debug)]
pub(crate) struct Busy;

/// The stream as a response.
pub(crate) fn listen(state: Data<State>, account: AccountId, voice: Voice) -> Result<HttpResponse, Busy> {
    let seat = state.seats.take(&account).ok_or(Busy)?;
    // Listening begins before the first look: nothing falls between.
    let events = state.queue.events(&account);
    let body = body(state, account, voice, events, seat);
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
    mut voice: Voice,
    events: impl Stream<Item = JobEvent> + Send + 'static,
    seat: Seat,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream! {
        let _seat = seat;
        let mut events = std::pin::pin!(events.ready_chunks(MOST_AT_ONCE));
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
            let events = tokio::select! {
                () = state.stop.cancelled() => return,
                events = events.next() => match events {
                    Some(events) => latest(events),
                    None => return,
                },
                _ = heartbeat.tick() => Vec::new(),
            };
            if events.is_empty() || trusted.elapsed() >= TRUST {
                if !voice.may_listen(&state).await {
                    yield Ok(message("bye", &()));
                    return;
                }
                trusted = Instant::now();
            }
            if events.is_empty() {
                yield Ok(Bytes::from_static(b": still here\n\n"));
                match voice.refresh(&state, &account).await {
                    Ok(Some(text)) => yield Ok(text),
                    Ok(None) => {}
                    Err(_) => return,
                }
            }
            for event in events {
                let said = match &event {
                    JobEvent::Resync => voice.all(&state, &account).await.map(Some),
                    JobEvent::Deleted(id) => Ok(Some(voice.gone(id))),
                    JobEvent::Changed(id) => voice.changed(&state, &account, id).await,
                };
                match said {
                    Ok(Some(text)) => yield Ok(text),
                    Ok(None) => {}
                    Err(_) => return,
                }
            }
        }
    }
}

/// Of several events that came together, those that are still news: the last one of each job, or only that everything has to be read.
fn latest(events: Vec<JobEvent>) -> Vec<JobEvent> {
    if events.contains(&JobEvent::Resync) {
        return vec![JobEvent::Resync];
    }
    let id = |event: &JobEvent| match event {
        JobEvent::Changed(id) | JobEvent::Deleted(id) => Some(id.clone()),
        JobEvent::Resync => None,
    };
    let mut news: Vec<JobEvent> = Vec::with_capacity(events.len());
    for event in events {
        news.retain(|earlier| id(earlier) != id(&event));
        news.push(event);
    }
    news
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
    fn only_the_last_word_about_a_job_is_news() {
        let id = |byte| sluice_domain::JobId::from_random([byte; 16]);
        let (changed, deleted) = (|byte| JobEvent::Changed(id(byte)), |byte| JobEvent::Deleted(id(byte)));
        assert_eq!(latest(vec![changed(1), changed(2), changed(1)]), [changed(2), changed(1)]);
        assert_eq!(latest(vec![changed(1), deleted(1)]), [deleted(1)]);
        assert_eq!(latest(vec![changed(1), JobEvent::Resync, changed(2)]), [JobEvent::Resync]);
    }

    #[test]
    fn an_event_is_one_line_of_data() {
        let text = message("job", &serde_json::json!({ "html": "a\nb" }));
        assert_eq!(text, "event: job\ndata: {\"html\":\"a\\nb\"}\n\n");
    }
}
