//! For whoever runs it: `/healthz`, `/readyz`, `/metrics`. Nothing here names a person or a link.

use std::fmt::Write as _;

use actix_web::{HttpResponse, http::header::RETRY_AFTER, web::Data};
use sluice_domain::FailureKind;
use sluice_queue::Overview;

use crate::{
    error::RETRY_SECONDS,
    state::State,
    view::{between, living, workers},
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
    let seen = state.queue.operator().overview().await.ok();
    let told = text(seen.as_ref(), state.seats.taken(), state.saves.under_way());
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(told + &sluice_wiring::egress_figures(&state.egress))
}

/// Appends one gauge: its labels, as they are written, and its values.
fn gauge(out: &mut String, name: &str, help: &str, values: &[(&str, u64)]) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
    for (labels, value) in values {
        let _ = writeln!(out, "{name}{labels} {value}");
    }
}

fn text(seen: Option<&Overview>, listeners: usize, devices: usize) -> String {
    let mut out = String::new();
    gauge(&mut out, "sluice_redis_up", "Whether this process reaches Redis.", &[("", u64::from(seen.is_some()))]);
    gauge(&mut out, "sluice_web_listeners", "Live pages and API listeners of this process.", &[("", listeners as u64)]);
    gauge(
        &mut out,
        "sluice_web_devices",
        "Connections over which this process gives files to devices.",
        &[("", devices as u64)],
    );
    if let Some(seen) = seen {
        queue(&mut out, seen);
    }
    out
}

/// What is the same whichever process is asked.
fn queue(out: &mut String, seen: &Overview) {
    let depth = &seen.depth;
    gauge(
        out,
        "sluice_jobs",
        "Jobs that are not finished, in the whole installation.",
        &[
            ("{state=\"queued\"}", depth.queued),
            ("{state=\"running\"}", depth.running),
            ("{state=\"retrying\"}", depth.retrying),
        ],
    );
    let oldest = seen.oldest_waiting.map_or(0, |then| between(then, seen.now).as_secs());
    gauge(
        out,
        "sluice_oldest_waiting_seconds",
        "How long the job that waits longest has waited for a worker; 0 while none waits.",
        &[("", oldest)],
    );
    let kinds = FailureKind::ALL.map(|kind| {
        let jobs = seen.failures.iter().find(|(failed, _)| *failed == kind).map_or(0, |(_, jobs)| *jobs);
        (format!("{{kind=\"{kind}\"}}"), jobs)
    });
    gauge(
        out,
        "sluice_failures",
        "Jobs on record that failed or were refused. It falls when they are retried, removed or forgotten.",
        &kinds.each_ref().map(|(label, jobs)| (label.as_str(), *jobs)),
    );
    let alive: Vec<_> = living(seen).collect();
    let silent = (workers(seen).count() - alive.len()) as u64;
    gauge(out, "sluice_workers", "Worker processes that are alive.", &[("", alive.len() as u64)]);
    gauge(out, "sluice_workers_silent", "Worker processes on the list whose heartbeat has stopped.", &[("", silent)]);
    let slots = alive.iter().map(|worker| worker.slots).sum();
    gauge(out, "sluice_worker_slots", "Jobs that the living workers take at once.", &[("", slots)]);
    let paused = u64::from(seen.paused);
    gauge(out, "sluice_queue_paused", "Whether an operator has paused the whole queue.", &[("", paused)]);
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use sluice_queue::{Depth, WorkerSeen};

    use super::*;

    fn seen() -> Overview {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let worker = |name: &str, seconds: i64| WorkerSeen {
            name: name.into(),
            running: 1,
            slots: 4,
            last_beat: Timestamp::from_second(1_000_000 - seconds).unwrap(),
        };
        Overview {
            depth: Depth { queued: 3, running: 2, retrying: 1, workers: 2 },
            paused: true,
            now,
            oldest_waiting: Some(Timestamp::from_second(1_000_000 - 200).unwrap()),
            failures: vec![(FailureKind::SiteBusy, 12)],
            workers: vec![worker("one", 1), worker("two", 60)],
            accounts: Vec::new(),
            dead: Vec::new(),
        }
    }

    #[test]
    fn the_queue_is_told_in_figures() {
        let known = text(Some(&seen()), 5, 2);
        for line in [
            "sluice_redis_up 1",
            "sluice_web_listeners 5",
            "sluice_jobs{state=\"queued\"} 3",
            "sluice_oldest_waiting_seconds 200",
            "sluice_failures{kind=\"site_busy\"} 12",
            "sluice_failures{kind=\"private\"} 0",
            "sluice_workers 1",
            "sluice_workers_silent 1",
            "sluice_worker_slots 4",
            "sluice_queue_paused 1",
        ] {
            assert!(known.contains(&format!("{line}\n")), "{line} is missing: {known}");
        }
    }

    #[test]
    fn every_figure_says_what_it_is() {
        let known = text(Some(&seen()), 5, 2);
        for line in known.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            assert!(known.contains(&format!("# HELP {name} ")) && known.contains(&format!("# TYPE {name} gauge\n")));
        }
    }

    #[test]
    fn what_is_unknown_is_left_out() {
        let unknown = text(None, 0, 0);
        assert!(unknown.contains("sluice_redis_up 0\n") && !unknown.contains("sluice_jobs"));
        assert!(!unknown.contains("sluice_queue_paused"));
    }
}
