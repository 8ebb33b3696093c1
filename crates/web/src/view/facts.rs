//! The facts on a job's own page.

use sluice_domain::{ByteSize, Destination, Job};

/// A name and a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    /// Where the value leads, if it may be followed.
    pub(crate) link: Option<String>,
}

/// What the row leaves out.
pub(crate) fn facts(job: &Job) -> Vec<Fact> {
    let plain = |name, value: String| Fact { name, value, link: None };
    // A link that carries a name and a password is shown, but not offered: following it would send them from this browser.
    let link = Some(job.url.to_string()).filter(|_| !job.url.has_credentials());
    let mut facts = vec![Fact { name: "Link", value: job.url.shown().into_owned(), link }];
    if let Some(item) = job.item {
        facts.push(plain("Item", format!("{item} of those behind the link")));
    }
    facts.push(plain("Quality", job.preset.label().to_owned()));
    facts.push(match job.destination {
        Destination::Dropbox => plain("Folder", job.folder.to_string()),
        Destination::Device => plain("Goes to", "a device of yours, straight from here".to_owned()),
    });
    facts.push(plain("Pasted", job.created_at.strftime("%-d %B %Y, %H:%M UTC").to_string()));
    if let Some(receipt) = &job.receipt {
        facts.push(plain("File", receipt.path.clone()));
        facts.push(plain("Size", format!("{} ({} bytes)", ByteSize(receipt.size), receipt.size)));
        facts.push(plain("Content hash", receipt.content_hash.clone()));
    }
    facts
}
