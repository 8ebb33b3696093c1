//! A job's record in Redis, a hash: fields that change together are one field, so that a write under a fence is one small command.
//!
//! Plain words and numbers are text; what has parts (`progress`, `intent`, `checkpoint`, `receipt`, `error`) is JSON; `attempts` is a line of JSON for each.

use std::collections::HashMap;

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sluice_domain::{
    AccountId, Attempt, Destination, Fence, Folder, Items, Job, JobRequest, JobState, Length, Origin, Phase, Preset,
    Progress, SourceUrl,
};
use sluice_store::{Fields, LINK_PURPOSE, Store, StoreError};

/// The fields of a hash, as Redis gives them.
pub(crate) type Raw = HashMap<String, String>;

/// A field and its value.
pub(crate) type Field = (&'static str, String);

/// The largest record, in bytes. A full one has some ten thousand; what is larger was not written by Sluice.
const MAX_BYTES: usize = 256 * 1024;

/// A claimed job as it was at the claim.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) job: Job,
    pub(crate) fence: Fence,
}

/// A link as records keep it: sealed when there is a user's name or password in it, so that no copy of Redis tells them.
pub(crate) fn kept_link(store: &Store, account: &AccountId, link: &SourceUrl) -> Result<String, StoreError> {
    if link.has_credentials() {
        store.seal(LINK_PURPOSE, account, &link.to_string().into())
    } else {
        Ok(link.to_string())
    }
}

/// The link of a record. What is sealed does not look like a link.
fn link(store: &Store, account: &AccountId, fields: &Fields) -> Result<SourceUrl, StoreError> {
    if fields.required("url")?.contains("://") {
        return fields.parse_required("url");
    }
    let corrupt = |error: &dyn std::fmt::Display| StoreError::corrupt("a job's url", error);
    let plain = store.unseal(LINK_PURPOSE, account, fields.required("url")?).map_err(|error| corrupt(&error))?;
    plain.expose_secret().parse().map_err(|error| corrupt(&error))
}

/// What a new record begins with; `link` as [`kept_link`] gives it.
pub(crate) fn encode(request: &JobRequest, link: String, now: Timestamp) -> Vec<Field> {
    let mut fields = vec![
        ("url", link),
        ("preset", request.preset.to_string()),
        ("folder", request.folder.to_string()),
        ("origin", word(request.origin)),
        ("created_at", now.as_millisecond().to_string()),
    ];
    if request.force {
        fields.push(("force", "1".into()));
    }
    fields
}

/// What brings one file to one place, hashed: a link or a piece of media, in a preset, to a folder.
pub(crate) fn mark(what: &str, preset: Preset, folder: &Folder) -> String {
    hex::encode(&Sha256::digest(format!("{what}\n{preset}\n{folder}"))[..16])
}

/// The record, or `None` when there is none.
pub(crate) fn decode(store: &Store, raw: Raw) -> Result<Option<Record>, StoreError> {
    if raw.is_empty() {
        return Ok(None);
    }
    let name = format!("job {}", raw.get("id").map_or("without id", String::as_str));
    let bytes: usize = raw.values().map(String::len).sum();
    if bytes > MAX_BYTES {
        return Err(StoreError::corrupt(name, &format!("{bytes} bytes are too much for a record")));
    }
    let fields = Fields::new(name, raw);
    let account = fields.parse_required("account")?;
    let job = Job {
        id: fields.parse_required("id")?,
        url: link(store, &account, &fields)?,
        account,
        preset: fields.parse_required("preset")?,
        folder: fields.parse_required("folder")?,
        origin: required_word::<Origin>(&fields, "origin")?,
        destination: from_word::<Destination>(&fields, "sink")?.unwrap_or_default(),
        state: required_word::<JobState>(&fields, "state")?,
        phase: from_word::<Phase>(&fields, "phase")?,
        attempt: fields.parse_required("attempt")?,
        title: fields.text("title").map(str::to_owned),
        thumbnail: fields.text("thumbnail").map(str::to_owned),
        duration: fields.parse("duration")?,
        route: from_word(&fields, "route")?,
        progress: fields.json::<Progress>("progress")?.unwrap_or_default(),
        intent: fields.json("intent")?,
        checkpoint: fields.json("checkpoint")?,
        receipt: fields.json("receipt")?,
        error: fields.json("error")?,
        cancel_requested: fields.text("cancel") == Some("1"),
        pause_requested: fields.text("cancel") == Some("pause"),
        force: fields.text("force").is_some(),
        created_at: fields.time_required("created_at")?,
        started_at: fields.time("started_at")?,
        finished_at: fields.time("finished_at")?,
        retry_at: fields.time("retry_at")?,
        parent: fields.parse("parent")?,
        item: fields.parse("item")?,
        items: items(&fields)?,
        duplicate_of: fields.parse("duplicate_of")?,
        attempts: attempts(&fields)?,
    };
    Ok(Some(Record { job, fence: Fence(fields.parse_required("fence")?) }))
}

/// How far the items of a list are; `None` when it is none, or not known to be one yet.
fn items(fields: &Fields) -> Result<Option<Items>, StoreError> {
    let count = |name| fields.parse::<u32>(name).map(Option::unwrap_or_default);
    let Some(found) = fields.parse("n_found")? else { return Ok(None) };
    Ok(Some(Items {
        found,
        listed: fields.text("listed").is_some(),
        announced: fields.parse("n_announced")?,
        cut_at: fields.parse("n_cut")?,
        completed: count("n_completed")?,
        duplicate: count("n_duplicate")?,
        failed: count("n_failed")?,
        refused: count("n_refused")?,
        cancelled: count("n_cancelled")?,
    }))
}

/// One line of JSON for each attempt that has ended.
fn attempts(fields: &Fields) -> Result<Vec<Attempt>, StoreError> {
    let read = |line| serde_json::from_str(line).map_err(|error| StoreError::corrupt("the attempts of a job", &error));
    fields.text("attempts").unwrap_or_default().lines().map(read).collect()
}

/// A value as JSON. The types that are kept cannot fail: they have text keys and no maps.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// An enum's one word.
pub(crate) fn word(value: impl Serialize) -> String {
    json(&value).trim_matches('"').to_owned()
}

/// The progress that a plan begins with.
pub(crate) fn progress_of(length: Length) -> Progress {
    Progress { length, ..Progress::default() }
}

fn from_word<T: serde::de::DeserializeOwned>(fields: &Fields, name: &str) -> Result<Option<T>, StoreError> {
    let parse = |text: &str| {
        serde_json::from_value(text.into()).map_err(|error| StoreError::corrupt(format!("job field {name}"), &error))
    };
    fields.text(name).map(parse).transpose()
}

fn required_word<T: serde::de::DeserializeOwned>(fields: &Fields, name: &str) -> Result<T, StoreError> {
    from_word(fields, name)?.ok_or_else(|| StoreError::corrupt(format!("job field {name}"), "missing"))
}
