//! For whoever runs it: `/healthz`, `/readyz`, `/metrics`. Nothing here names a person or a link.

use std::fmt::Write as _;

use actix_web::{HttpResponse, http::header::RETRY_AFTER, web::Data};
use sluice_queue::Depth;

use crate::{
    error::RETRY_SECONDS,
    state::{MAX_STREAMS, State},
};

/// `GET /healthz`: this process answers.
pub(crate) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("alive\n")
}

/// `GET /readyz`: it can also do its work.
pub(crate) async fn readyz(state: Data<State>) -> HttpResponse {
    match state.store.ping().await {
        Ok(()) => HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"),
        Err(_) => HttpResponse::ServiceUnavailable()
            .insert_header((RETRY_AFTER, RETRY_SECONDS))
            .content_type("text/plain; charset=utf-8")
            .body("Redis cannot be reached\n"),
    }
}

/// `GET /metrics`: Prometheus's text format. What Redis cannot tell just now is left out, not told as zero.
pub(crate) async fn metrics(state: Data<State>) -> HttpResponse {
    let depth = state.queue.depth().await.ok();
    let listeners = MAX_STREAMS - state.streams.available_permits();
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text(depth.as_ref(), listeners))
}

fn text(depth: Option<&Depth>, listeners: usize) -> String {
    let mut out = String::new();
    let mut gauge = |name: &str, help: &str, values: &[(&str, u64)]| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in values {
            let _ = writeln!(out, "{name}{labels} {value}");
        }
    };
    gauge("sluice_redis_up", "Whether this process reaches Redis.", &[("", u64::from(depth.is_some()))]);
    gauge("sluice_web_listeners", "Live pages and API listeners of this process.", &[("", listeners as u64)]);
    if let Some(depth) = depth {
        gauge(
            "sluice_jobs",
            "Jobs that are not finished, in the whole installation.",
            &[
                ("{state=\"queued\"}", depth.queued),
                ("{state=\"running\"}", depth.running),
                ("{state=\"retrying\"}", depth.retrying),
            ],
        );
        gauge("sluice_workers", "Worker processes that are alive.", &[("", depth.workers)]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_is_left_out() {
        let known = text(Some(&Depth { queued: 3, running: 2, retrying: 1, workers: 4 }), 5);
        assert!(known.contains("sluice_jobs{state=\"queued\"} 3\n") && known.contains("sluice_web_listeners 5\n"));
        let unknown = text(None, 0);
        assert!(unknown.contains("sluice_redis_up 0\n") && !unknown.contains("sluice_jobs"));
    }
}
