//! What the page says about links that the person has already.

use sluice_domain::{Job, JobState};

use super::row::title;

/// The links of a form that were not sent, because the person has them.
#[derive(Debug, Clone)]
pub(crate) struct Duplicates {
    pub(crate) links: Vec<Known>,
    /// The others, said so: they are on their way.
    pub(crate) sent: Option<String>,
    pub(crate) csrf: String,
    pub(crate) key: String,
    pub(crate) preset: String,
    pub(crate) folder: String,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) link: String,
    pub(crate) title: String,
    pub(crate) href: String,
    pub(crate) says: String,
}

impl Duplicates {
    /// All links again, one on each line.
    pub(crate) fn all(&self) -> String {
        self.links.iter().map(|known| known.link.as_str()).collect::<Vec<_>>().join("\n")
    }
}

impl Known {
    /// A link, and the job that stands for it.
    pub(crate) fn of(link: String, job: &Job) -> Self {
        let says = match (&job.receipt, job.state) {
            (Some(receipt), JobState::Completed) => format!("You already have this: {}", receipt.path),
            (_, JobState::Completed) => "You already have this.".to_owned(),
            (_, JobState::Paused) => "You paused this. Resume it, and it arrives.".to_owned(),
            _ => "This is on its way already.".to_owned(),
        };
        Self { link, title: title(job), href: format!("/jobs/{}", job.id), says }
    }
}

/// "The other link is on its way."
pub(crate) fn others(sent: usize) -> Option<String> {
    match sent {
        0 => None,
        1 => Some("The other link is on its way.".to_owned()),
        sent => Some(format!("The other {sent} links are on their way.")),
    }
}
