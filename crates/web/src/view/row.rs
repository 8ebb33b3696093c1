//! One job as a row: title, sentence, bar, figures, and the one thing to do next.
//!
//! `shape` names everything in the row but its words and numbers: as long as it stays, the script only replaces words and numbers.

use askama::Template;
use jiff::Timestamp;
use sluice_domain::{FailureKind, Job, JobState, Phase, Preset};
use url::Url;

use super::{
    since::since,
    tell::{announcement, figures, finishing, tell},
};

/// What a row needs to know beside the job itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Around {
    /// The clock.
    pub(crate) now: Timestamp,
    /// How many jobs of the same person come first, when that was asked.
    pub(crate) ahead: Option<u64>,
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
            shape: shape(job, bar.as_ref(), thumbnail),
            tone: tone(job.state),
            bare: known_title(job).is_none(),
            link: job.url.to_string(),
            folder: job.folder.to_string(),
            symbol: if job.preset.is_audio() { "sound" } else { "film" },
            thumbnail,
            icon: icon(job),
            tell: tell(job, around),
            facts: figures(job),
            when: when(job, around.now),
            place: job.receipt.as_ref().map(|receipt| format!("Dropbox{}", receipt.path)),
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
    let link = job.url.as_str();
    let link = link.strip_prefix("https://").or_else(|| link.strip_prefix("http://")).unwrap_or(link);
    link.strip_prefix("www.").unwrap_or(link).trim_end_matches('/').to_owned()
}

fn known_title(job: &Job) -> Option<&str> {
    job.title.as_deref().map(str::trim).filter(|title| !title.is_empty())
}

fn shape(job: &Job, bar: Option<&Bar>, thumbnail: bool) -> String {
    let bar = match bar {
        None => "",
        Some(Bar { percent: None, .. }) => "-moving",
        Some(Bar { percent: Some(_), .. }) => "-bar",
    };
    let phase = job.phase.filter(|_| job.state == JobState::Running).map_or("", Phase::as_str);
    let bare = known_title(job).is_none();
    let flags =
        [(thumbnail, "-pic"), (bare, "-bare"), (job.cancel_requested, "-stop"), (figures(job).is_some(), "-figures")];
    let flags: String = flags.into_iter().filter(|(on, _)| *on).map(|(_, word)| word).collect();
    format!("{}-{}{phase}{bar}{flags}", job.state, job.attempt)
}

fn tone(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "queued",
        JobState::Running => "running",
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
        JobState::Completed => Some("check"),
        JobState::Failed | JobState::Refused => Some("warn"),
        JobState::Running | JobState::Cancelled => None,
    }
}

fn bar(job: &Job, title: &str) -> Option<Bar> {
    if job.state != JobState::Running || job.cancel_requested {
        return None;
    }
    let label = format!("Progress of {title}");
    if finishing(job) {
        return Some(Bar { percent: Some(99), words: Some("finishing".to_owned()), label });
    }
    let percent = job.progress.percent().filter(|_| job.phase == Some(Phase::Transferring));
    // Both legs reached an estimate that was too small: all that is known is that little is left.
    let words = percent.map(|percent| if percent >= 99 { "finishing".to_owned() } else { format!("{percent} %") });
    Some(Bar { percent, words, label })
}

fn when(job: &Job, now: Timestamp) -> Option<When> {
    let at = |before, then: Timestamp| When { before, iso: then.to_string(), words: since(then, now) };
    match job.state {
        JobState::Queued => Some(at("pasted ", job.created_at)),
        JobState::Retrying => job.retry_at.map(|then| at("next try ", then)),
        JobState::Completed | JobState::Failed | JobState::Refused | JobState::Cancelled => {
            job.finished_at.map(|then| at("", then))
        }
        JobState::Running => None,
    }
}

fn acts(job: &Job, around: &Around) -> Vec<Act> {
    let retry = |word| Act::Post { word, verb: "retry" };
    match job.state {
        JobState::Queued | JobState::Running | JobState::Retrying if job.cancel_requested => Vec::new(),
        JobState::Queued | JobState::Running | JobState::Retrying => vec![Act::Post { word: "Cancel", verb: "cancel" }],
        JobState::Completed => {
            let open =
                around.web_link.as_ref().map(|link| Act::Go { word: "Open", href: link.to_string(), away: true });
            open.into_iter().chain([Act::Remove]).collect()
        }
        JobState::Cancelled => vec![retry("Retry"), Act::Remove],
        JobState::Failed | JobState::Refused => {
            let next = job.error.as_ref().and_then(|error| mend(job, error.kind));
            next.into_iter().chain([retry("Retry"), Act::Remove]).collect()
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
