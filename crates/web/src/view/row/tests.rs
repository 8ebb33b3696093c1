//! Rows as data: a job in, words out.

use std::time::Duration;

use sluice_domain::{Destination, Failure, Folder, Items, JobError, JobId, Length, Origin, Progress, Receipt};

use super::*;

fn job(state: JobState, change: impl FnOnce(&mut Job)) -> Job {
    let mut job = Job {
        id: JobId::from_random([7; 16]),
        account: "dbid:ada".parse().unwrap(),
        url: "https://www.archive.example/watch?v=1".parse().unwrap(),
        preset: Preset::P1080,
        folder: Folder::default(),
        origin: Origin::Page,
        destination: Destination::Dropbox,
        state,
        phase: None,
        attempt: 1,
        title: Some("Sintel".to_owned()),
        thumbnail: None,
        duration: None,
        route: None,
        progress: Progress::default(),
        intent: None,
        checkpoint: None,
        receipt: None,
        error: None,
        cancel_requested: false,
        pause_requested: false,
        force: false,
        created_at: Timestamp::UNIX_EPOCH,
        started_at: None,
        finished_at: None,
        retry_at: None,
        parent: None,
        item: None,
        items: None,
        duplicate_of: None,
        attempts: Vec::new(),
    };
    change(&mut job);
    job
}

fn moving(bytes_in: u64, bytes_out: u64, length: Length) -> Job {
    job(JobState::Running, |job| {
        job.phase = Some(Phase::Transferring);
        job.progress = Progress { bytes_in, bytes_out, length, rate: Some(11_000_000) };
    })
}

fn failed(state: JobState, kind: FailureKind) -> Job {
    job(state, |job| {
        job.error = Some(JobError { kind, message: kind.user_message().to_owned(), retryable: false });
        job.finished_at = Some(Timestamp::UNIX_EPOCH);
    })
}

/// The row in one line: `sentence figures when | bar | buttons`.
fn line(job: &Job, around: &Around) -> String {
    let row = Row::of(job, around);
    let when = row.when.map(|when| format!(" · {}{}", when.before, when.words));
    let said: String = [Some(row.tell), row.facts, when].into_iter().flatten().collect();
    let bar = row.bar.map_or("-".to_owned(), |bar| bar.words.unwrap_or("moves".to_owned()));
    let acts = row.acts.iter().map(|act| match act {
        Act::Go { word, .. } | Act::Post { word, .. } | Act::SendAs { word, .. } => word,
        Act::Remove => "Remove",
    });
    format!("{} | {bar} | {}", said.replace('\u{a0}', " "), acts.collect::<Vec<_>>().join(", "))
}

#[track_caller]
fn check(job: &Job, want: &str) {
    assert_eq!(line(job, &Around::default()), want);
}

#[test]
fn what_a_device_takes_says_so() {
    let device = |state, bytes_out, length, change: fn(&mut Job)| {
        job(state, |job| {
            job.destination = Destination::Device;
            job.progress = Progress { bytes_in: bytes_out, bytes_out, length, rate: Some(11_000_000) };
            change(job);
        })
    };
    let nothing: fn(&mut Job) = |_| {};
    let running = |length| device(JobState::Running, 61_000_000, length, nothing);
    check(
        &running(Length::Exact(96_000_000)),
        "Saving to this device · 61 MB of 96 MB · 11 MB/s · 7 s left | 63 % | Cancel",
    );
    check(
        &running(Length::Estimate(96_000_000)),
        "Saving to this device · 61 MB of about 96 MB · 11 MB/s · 7 s left | 63 % | Cancel",
    );
    check(&running(Length::Unknown), "Saving to this device · 61 MB · 11 MB/s | moves | Cancel");
    let whole = device(JobState::Completed, 96_000_000, Length::Exact(96_000_000), nothing);
    check(&whole, "Saved to this device · 96 MB | - | Save, Remove");
    assert_eq!(Row::of(&whole, &Around::default()).announce.as_deref(), Some("Sintel is saved to this device."));
    let stopped = device(JobState::Cancelled, 24_000_000, Length::Exact(96_000_000), nothing);
    check(&stopped, "Stopped at 25 %, before all of it was saved | - | Save, Remove");
    let torn = device(JobState::Failed, 24_000_000, Length::Exact(96_000_000), |job| {
        let failure = Failure::new(FailureKind::Network, "");
        job.error = Some((&failure).into());
    });
    let message = FailureKind::Network.user_message();
    check(&torn, &format!("{message} | - | Save, Remove"));
    assert!(Row::of(&torn, &Around::default()).acts.iter().all(|act| !matches!(act, Act::Post { .. })));
}

#[test]
fn what_waits_says_for_what() {
    let queued = job(JobState::Queued, |_| {});
    check(&queued, "Waiting for its turn · 1080p · pasted just now | - | Pause, Cancel");
    let told = |ahead, seconds: Option<u64>, paused, workers| {
        let waiting = Some(Waiting { ahead, about: seconds.map(Duration::from_secs), paused });
        line(&queued, &Around { waiting, workers: Some(workers), ..Around::default() })
    };
    assert_eq!(
        told(3, Some(70), false, 1),
        "Waiting: 3 of yours are ahead · about 2 min · 1080p · pasted just now | - | Pause, Cancel"
    );
    assert!(told(1, None, false, 1).starts_with("Waiting: 1 of yours is ahead · 1080p"));
    assert!(told(0, None, false, 1).starts_with("Waiting for its turn"));
    assert!(told(2, None, false, 0).starts_with("Waiting: no worker is up."));
    assert!(told(2, None, true, 0).starts_with("Paused by whoever runs this server."));
    let retrying = job(JobState::Retrying, |job| {
        job.error = failed(JobState::Failed, FailureKind::SiteBusy).error;
        job.retry_at = Some(Timestamp::from_second(20).unwrap());
    });
    check(&retrying, "The site turned us away or was out of order. · next try in 20 sec | - | Pause, Cancel");
}

fn list(state: JobState, items: Items) -> Job {
    job(state, |job| job.items = Some(items))
}

#[test]
fn a_list_tells_of_its_items() {
    let reading = Items { found: 50, announced: Some(5000), completed: 3, ..Items::default() };
    check(
        &list(JobState::Running, reading),
        "Reading the list · 50 of 5,000 found · 3 arrived | 3 of 5,000 | Pause, Cancel",
    );
    let collecting =
        Items { found: 300, listed: true, completed: 11, duplicate: 1, failed: 2, refused: 1, ..Items::default() };
    check(
        &list(JobState::Collecting, collecting),
        "Collecting · 12 of 300 arrived · 3 did not arrive · 285 to go | 15 of 300 | Pause, Cancel",
    );
    check(
        &list(JobState::Paused, collecting),
        "Paused by you · 12 of 300 arrived · 3 did not arrive · 285 to go · pasted just now | 15 of 300 | Resume, Cancel",
    );
    let done = Items { found: 12, listed: true, completed: 10, duplicate: 2, ..Items::default() };
    check(&list(JobState::Completed, done), "Landed in your Dropbox · 12 items · 2 you had already | - | Remove");
    check(
        &list(JobState::Cancelled, Items { cancelled: 288, completed: 11, failed: 0, refused: 0, ..collecting }),
        "Cancelled · 12 of 300 arrived · 288 cancelled | - | Retry, Remove",
    );
    check(
        &list(JobState::Cancelled, Items { listed: true, ..Items::default() }),
        "There is nothing in this list | - | Retry, Remove",
    );
    let cut = list(JobState::Collecting, Items { announced: Some(5000), cut_at: Some(300), ..collecting });
    let row = Row::of(&cut, &Around::default());
    assert_eq!(row.note.as_deref(), Some("The first 300 of 5,000: this server takes 300 at once."));
    assert_eq!((row.symbol, row.tone), ("list", "running"));
    let mut incomplete = failed(JobState::Failed, FailureKind::Incomplete);
    incomplete.items = Some(Items { completed: 297, failed: 3, duplicate: 0, refused: 0, ..collecting });
    check(
        &incomplete,
        "Some items of this list did not arrive. Retry sends those once more. · 297 of 300 arrived · just now | - | Retry, Remove",
    );
    let announce = |job: &Job| Row::of(job, &Around::default()).announce.unwrap();
    assert_eq!(announce(&list(JobState::Completed, done)), "Sintel: 12 items arrived in your Dropbox.");
    assert!(announce(&incomplete).starts_with("Sintel: Some items of this list did not arrive."));
}

#[test]
fn a_bar_of_a_list_takes_a_step_back_only_when_more_was_found() {
    let shape = |found, completed| {
        Row::of(&list(JobState::Running, Items { found, completed, ..Items::default() }), &Around::default()).shape
    };
    assert_eq!(shape(50, 3), shape(50, 20));
    assert_ne!(shape(50, 3), shape(100, 3));
}

#[test]
fn what_is_put_aside_can_go_on() {
    check(&job(JobState::Paused, |_| {}), "Paused by you · 1080p · pasted just now | - | Resume, Cancel");
    let pausing = job(JobState::Running, |job| job.pause_requested = true);
    check(&pausing, "Pausing · 1080p | - | Resume, Cancel");
}

#[test]
fn a_duplicate_leads_to_the_other() {
    let mut had = failed(JobState::Refused, FailureKind::Duplicate);
    had.duplicate_of = Some(JobId::from_random([9; 16]));
    let sentence = format!("{} · just now", FailureKind::Duplicate.user_message());
    check(&had, &format!("{sentence} | - | Show, Send again, Remove"));
    let row = Row::of(&had, &Around::default());
    assert!(matches!(&row.acts[0], Act::Go { href, away: false, .. } if href.ends_with(&"09".repeat(16))));
    assert_eq!((row.tone, row.icon), ("had", Some("info")));
    had.duplicate_of = None;
    check(&had, &format!("{sentence} | - | Send again, Remove"));
}

#[test]
fn what_runs_shows_both_legs() {
    check(&job(JobState::Running, |_| {}), "Looking at the link · 1080p | moves | Pause, Cancel");
    check(
        &moving(61_000_000, 58_000_000, Length::Exact(96_000_000)),
        "Sending to your Dropbox · fetched 61 MB · in Dropbox 58 MB of 96 MB · 11 MB/s · 7 s left | 61 % | Pause, Cancel",
    );
    check(
        &moving(61_000_000, 0, Length::Estimate(96_000_000)),
        "Fetching from archive.example · fetched 61 MB of about 96 MB · none in Dropbox yet · 11 MB/s · 12 s left | 31 % | Pause, Cancel",
    );
    check(
        &moving(61_000_000, 0, Length::Unknown),
        "Fetching from archive.example · fetched 61 MB · none in Dropbox yet · 11 MB/s | moves | Pause, Cancel",
    );
}

#[test]
fn the_bar_is_never_full_while_work_goes_on() {
    let over = moving(200, 200, Length::Estimate(100));
    assert_eq!(
        Row::of(&over, &Around::default()).bar.map(|bar| (bar.percent, bar.words)),
        Some((Some(99), Some("finishing".to_owned())))
    );
    let committing = job(JobState::Running, |job| job.phase = Some(Phase::Committing));
    check(&committing, "Finishing: Dropbox puts the file in its place | finishing | Cancel");
}

#[test]
fn what_ended_says_what_to_do_next() {
    let receipt = Receipt {
        path: "/Videos/Sintel.mp4".to_owned(),
        file_id: "id:1".to_owned(),
        rev: "1".to_owned(),
        size: 1_250_000_000,
        content_hash: "0".repeat(64),
    };
    let done = job(JobState::Completed, |job| {
        job.receipt = Some(receipt);
        job.finished_at = Some(Timestamp::UNIX_EPOCH);
    });
    check(&done, "Landed in your Dropbox · 1.2 GB · just now | - | Save, Remove");
    let web_link = Some("https://www.dropbox.com/home/Videos".parse().unwrap());
    let row = Row::of(&done, &Around { web_link, ..Around::default() });
    assert_eq!(row.place.as_deref(), Some("Dropbox/Videos/Sintel.mp4"));
    assert_eq!(row.announce.as_deref(), Some("Sintel is in your Dropbox."));
    assert!(matches!(&row.acts[0], Act::Go { word: "Open", away: true, .. }));

    check(
        &failed(JobState::Failed, FailureKind::Removed),
        "The site says that this was taken down. · just now | - | Retry, Save, Remove",
    );
    check(
        &failed(JobState::Refused, FailureKind::TooLarge),
        "This is larger than this server allows. · just now | - | Send what fits, Retry, Remove",
    );
    check(
        &failed(JobState::Failed, FailureKind::DropboxDisconnected),
        "Dropbox no longer lets Sluice in. Connect your Dropbox again, then retry. · just now | - | Connect again, Retry, Save, Remove",
    );
    check(&job(JobState::Cancelled, |_| {}), "Cancelled | - | Retry, Save, Remove");
}

#[test]
fn cancelling_leaves_nothing_to_press() {
    for state in [JobState::Queued, JobState::Running, JobState::Retrying, JobState::Paused, JobState::Collecting] {
        let stopped = job(state, |job| job.cancel_requested = true);
        assert_eq!(Row::of(&stopped, &Around::default()).acts, []);
        assert!(line(&stopped, &Around::default()).starts_with("Cancelling"));
    }
}

#[test]
fn a_link_stands_in_for_a_title() {
    let title = |text: Option<&str>| title(&job(JobState::Queued, |job| job.title = text.map(str::to_owned)));
    assert_eq!(title(None), "archive.example/watch?v=1");
    assert_eq!(title(Some(" ")), "archive.example/watch?v=1");
    assert_eq!(title(Some(" Sintel\n")), "Sintel");
}

#[test]
fn only_words_and_numbers_change_within_a_shape() {
    let shape = |job: &Job| Row::of(job, &Around::default()).shape;
    let moving = |bytes| moving(bytes, bytes / 2, Length::Exact(1000));
    assert_eq!(shape(&moving(0)), shape(&moving(900)));
    let shapes = [
        shape(&moving(0)),
        shape(&job(JobState::Queued, |_| {})),
        shape(&job(JobState::Running, |_| {})),
        shape(&job(JobState::Running, |job| job.thumbnail = Some(String::new()))),
        shape(&job(JobState::Running, |job| job.cancel_requested = true)),
        shape(&job(JobState::Running, |job| job.pause_requested = true)),
        shape(&job(JobState::Running, |job| job.attempt = 2)),
        shape(&job(JobState::Completed, |_| {})),
    ];
    for (at, shape) in shapes.iter().enumerate() {
        assert!(!shapes[..at].contains(shape), "{shape}");
    }
}

#[test]
fn hostile_words_stay_words() {
    let hostile = job(JobState::Queued, |job| job.title = Some("<script>alert(1)</script>\" onload=\"x".to_owned()));
    let html = Row::of(&hostile, &Around::default()).html("token").unwrap();
    assert!(!html.contains("<script") && !html.contains("\" onload"), "{html}");
    assert_eq!(html.matches("value=\"token\"").count(), 2);
}
