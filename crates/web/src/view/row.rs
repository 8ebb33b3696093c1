//! One job as a row: title, sentence, bar, figures, and the one thing to do next.
//!
//! `shape` names everything in the row but its words and numbers: as long as it stays, the script only replaces words and numbers.

use askama::Template;
use jiff::Timestamp;
use sluice_domain::{FailureKind, Job, JobState, Phase, Preset};
use sluice_queue::Waiting;
use url::Url;

use super::{
    items,
    since::since,
    tell::{announcement, figures, finishing, tell},
};

/// What a row needs to know beside the job itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Around {
    /// The clock.
    pub(crate) now: Timestamp,
    /// How long it waits and behind what, when that was asked.
    pub(crate) waiting: Option<Waiting>,
    /// How many workers are up, when that was asked.
    pub(crate) workers: Option<u64>,
    /// Where the landed file is shown on the web.
    pub(crate) web_link: Option<Url>,
}

/// A row, ready to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) shape: String,
    pub(crate) tone: &'static str,
    pub(crate) title: String,
    /// Does the link stand in for a title?
    pub(crate) bare: bool,
    pub(crate) link: String,
    pub(crate) folder: String,
    pub(crate) symbol: &'static str,
    pub(crate) thumbnail: bool,
    pub(crate) bar: Option<Bar>,
    pub(crate) icon: Option<&'static str>,
    pub(crate) tell: String,
    pub(crate) facts: Option<String>,
    pub(crate) when: Option<When>,
    pub(crate) place: Option<String>,
    /// A remark below: where a list was cut.
    pub(crate) note: Option<String>,
    pub(crate) acts: Vec<Act>,
    pub(crate) announce: Option<String>,
}

/// A progress bar. Without `percent` it only says that something moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) percent: Option<u8>,
    pub(crate) words: Option<String>,
    pub(crate) label: String,
}

/// A time with the words before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct When {
    pub(crate) before: &'static str,
    pub(crate) iso: String,
    pub(crate) words: String,
}

/// Something to do with the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// A link; `away` leads off the site.
    Go { word: &'static str, href: String, away: bool },
    /// A button that posts to `/jobs/{id}/{verb}`.
    Post { word: &'static str, verb: &'static str },
    /// Off the list.
    Remove,
    /// The same link again in another quality, as a new job.
    SendAs { word: &'static str, preset: Preset },
}

impl Row {
    /// The row of a job.
    pub(crate) fn of(job: &Job, around: &Around) -> Self {
        let title = title(job);
        let bar = bar(job, &title);
        let thumbnail = job.thumbnail.is_some();
        Self {
            id: job.id.to_string(),
            shape: shape(job, around, bar.as_ref()),
            tone: tone(job),
            bare: known_title(job).is_none(),
            link: job.url.to_string(),
            folder: job.folder.to_string(),
            symbol: match &job.items {
                Some(_) => "list",
                None if job.preset.is_audio() => "sound",
                None => "film",
            },
            thumbnail,
            icon: icon(job),
            tell: tell(job, around),
            facts: figures(job, around),
            when: when(job, around.now),
            place: job.receipt.as_ref().map(|receipt| format!("Dropbox{}", receipt.path)),
            note: job.items.as_ref().and_then(items::cut),
            acts: acts(job, around),
            announce: announcement(job, &title),
            bar,
            title,
        }
    }

    /// The row as HTML, with the session's CSRF token in its forms.
    pub(crate) fn html(&self, csrf: &str) -> Result<String, askama::Error> {
        RowTemplate { row: self, csrf }.render()
    }
}

#[derive(Template)]
#[template(path = "part/row.html")]
struct RowTemplate<'a> {
    row: &'a Row,
    csrf: &'a str,
}

/// Its title; until that is known, the link without what everybody knows about links.
pub(crate) fn title(job: &Job) -> String {
    if let Some(title) = known_title(job) {
        return title.to_owned();
    }
    let link = &*job.url.shown();
    let link = link.strip_prefix("https://").or_else(|| link.strip_prefix("http://")).unwrap_or(link);
    link.strip_prefix("www.").unwrap_or(link).trim_end_matches('/').to_owned()
}

fn known_title(job: &Job) -> Option<&str> {
    job.title.as_deref().map(str::trim).filter(|title| !title.is_empty())
}

/// Is it refused because the person has it?
fn is_duplicate(job: &Job) -> bool {
    job.error.as_ref().is_some_and(|error| error.kind == FailureKind::Duplicate)
}

fn shape(job: &Job, around: &Around, bar: Option<&Bar>) -> String {
    let bar = match bar {
        None => "",
        Some(Bar { percent: None, .. }) => "-moving",
        Some(Bar { percent: Some(_), .. }) => "-bar",
    };
    let phase = job.phase.filter(|_| job.state == JobState::Running).map_or("", Phase::as_str);
    let bare = known_title(job).is_none();
    let flags = [
        (job.thumbnail.is_some(), "-pic"),
        (bare, "-bare"),
        (job.cancel_requested, "-stop"),
        (job.pause_requested, "-pause"),
        (job.items.is_some_and(|list| list.cut_at.is_some()), "-cut"),
        (figures(job, around).is_some(), "-figures"),
    ];
    let flags: String = flags.into_iter().filter(|(on, _)| *on).map(|(_, word)| word).collect();
    // When more is found, the bar of a list may take a step back; within a shape it may not.
    let of = job.items.map_or(String::new(), |list| format!("-of{}", items::total(&list)));
    format!("{}-{}{phase}{bar}{flags}{of}", job.state, job.attempt)
}

fn tone(job: &Job) -> &'static str {
    match job.state {
        JobState::Refused if is_duplicate(job) => "had",
        JobState::Queued => "queued",
        JobState::Running | JobState::Collecting => "running",
        JobState::Paused => "paused",
        JobState::Retrying => "waits",
        JobState::Completed => "done",
        JobState::Failed => "failed",
        JobState::Refused => "refused",
        JobState::Cancelled => "cancelled",
    }
}

fn icon(job: &Job) -> Option<&'static str> {
    match job.state {
        JobState::Queued | JobState::Retrying => Some("clock"),
        JobState::Paused => Some("pause"),
        JobState::Completed => Some("check"),
        JobState::Refused if is_duplicate(job) => Some("info"),
        JobState::Failed | JobState::Refused => Some("warn"),
        JobState::Running | JobState::Collecting | JobState::Cancelled => None,
    }
}

fn bar(job: &Job, title: &str) -> Option<Bar> {
    let label = format!("Progress of {title}");
    if let Some(list) = job.items.as_ref().filter(|_| !job.cancel_requested) {
        return items::bar(job, list, label);
    }
    if job.state != JobState::Running || job.cancel_requested || job.pause_requested {
        return None;
    }
    if finishing(job) {
        return Some(Bar { percent: Some(99), words: Some("finishing".to_owned()), label });
    }
    let moves = job.phase == Some(Phase::Transferring) || job.is_for_device();
    let percent = job.progress.percent().filter(|_| moves);
    // Both legs reached an estimate that was too small: all that is known is that little is left.
    let words = percent.map(|percent| if percent >= 99 { "finishing".to_owned() } else { format!("{percent} %") });
    Some(Bar { percent, words, label })
}

fn when(job: &Job, now: Timestamp) -> Option<When> {
    let at = |before, then: Timestamp| When { before, iso: then.to_string(), words: since(then, now) };
    match job.state {
        JobState::Queued | JobState::Paused => Some(at("pasted ", job.created_at)),
        JobState::Retrying => job.retry_at.map(|then| at("next try ", then)),
        JobState::Completed | JobState::Failed | JobState::Refused | JobState::Cancelled => {
            job.finished_at.map(|then| at("", then))
        }
        JobState::Running | JobState::Collecting => None,
    }
}

fn acts(job: &Job, around: &Around) -> Vec<Act> {
    let retry = |word| Act::Post { word, verb: "retry" };
    let (pause, resume) = (Act::Post { word: "Pause", verb: "pause" }, Act::Post { word: "Resume", verb: "resume" });
    let cancel = Act::Post { word: "Cancel", verb: "cancel" };
    // A limit of this server stands in every way.
    let too_large = job.error.as_ref().is_some_and(|error| error.kind == FailureKind::TooLarge);
    let save = || {
        let whole = job.items.is_none() && !too_large;
        whole.then(|| Act::Go { word: "Save", href: format!("/save?job={}", job.id), away: false })
    };
    match job.state {
        state if job.cancel_requested && !state.is_final() => Vec::new(),
        state if job.is_for_device() => match state.is_final() {
            true => save().into_iter().chain([Act::Remove]).collect(),
            false => vec![cancel],
        },
        JobState::Paused => vec![resume, cancel],
        JobState::Running if job.pause_requested => vec![resume, cancel],
        // It is over in a moment: there is nothing left to put aside.
        JobState::Running if finishing(job) => vec![cancel],
        JobState::Queued | JobState::Running | JobState::Retrying | JobState::Collecting => vec![pause, cancel],
        JobState::Completed => {
            let open =
                around.web_link.as_ref().map(|link| Act::Go { word: "Open", href: link.to_string(), away: true });
            open.into_iter().chain(save()).chain([Act::Remove]).collect()
        }
        JobState::Cancelled => [retry("Retry")].into_iter().chain(save()).chain([Act::Remove]).collect(),
        JobState::Refused if is_duplicate(job) => {
            let other = job.duplicate_of.as_ref();
            let show = other.map(|other| Act::Go { word: "Show", href: format!("/jobs/{other}"), away: false });
            show.into_iter().chain([retry("Send again"), Act::Remove]).collect()
        }
        JobState::Failed | JobState::Refused => {
            let next = job.error.as_ref().and_then(|error| mend(job, error.kind));
            next.into_iter().chain([retry("Retry")]).chain(save()).chain([Act::Remove]).collect()
        }
    }
}

/// What would help more than trying the same again.
fn mend(job: &Job, kind: FailureKind) -> Option<Act> {
    match kind {
        FailureKind::DropboxDisconnected => {
            Some(Act::Go { word: "Connect again", href: "/login".to_owned(), away: false })
        }
        FailureKind::TooLarge | FailureKind::QuotaExceeded if !job.preset.is_audio() && job.preset != Preset::Fit => {
            Some(Act::SendAs { word: "Send what fits", preset: Preset::Fit })
        }
        FailureKind::NoSuchFormat if job.preset != Preset::Best => {
            Some(Act::SendAs { word: "Send the best", preset: Preset::Best })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
