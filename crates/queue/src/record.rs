//! A job's record in Redis, a hash: fields that change together are one field, so that a write under a fence is one small command.
//!
//! Plain words and numbers are text; what has parts (`route`, `progress`, `intent`, `receipt`, `error`) is JSON.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;
use sluice_domain::{Fence, Job, JobRequest, JobState, Length, Origin, Phase, Progress};
use sluice_store::{Fields, StoreError};

/// The fields of a hash, as Redis gives them.
pub(crate) type Raw = HashMap<String, String>;

/// A field and its value.
pub(crate) type Field = (&'static str, String);

/// A claimed job as it was at the claim.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) job: Job,
    pub(crate) fence: Fence,
}

/// What a new record begins with.
pub(crate) fn encode(request: &JobRequest, now: Timestamp) -> Vec<Field> {
    vec![
        ("url", request.url.to_string()),
        ("preset", request.preset.to_string()),
        ("folder", request.folder.to_string()),
        ("origin", word(request.origin)),
        ("created_at", now.as_millisecond().to_string()),
    ]
}

/// The record, or `None` when there is none.
pub(crate) fn decode(raw: Raw) -> Result<Option<Record>, StoreError> {
    if raw.is_empty() {
        return Ok(None);
    }
    let name = format!("job {}", raw.get("id").map_or("without id", String::as_str));
    let fields = Fields::new(name, raw);
    let job = Job {
        id: fields.parse_required("id")?,
        account: fields.parse_required("account")?,
        url: fields.parse_required("url")?,
        preset: fields.parse_required("preset")?,
        folder: fields.parse_required("folder")?,
        origin: required_word::<Origin>(&fields, "origin")?,
        state: required_word::<JobState>(&fields, "state")?,
        phase: from_word::<Phase>(&fields, "phase")?,
        attempt: fields.parse_required("attempt")?,
        title: fields.text("title").map(str::to_owned),
        thumbnail: fields.text("thumbnail").map(str::to_owned),
        duration: fields.parse("duration")?,
        route: from_word(&fields, "route")?,
        progress: fields.json::<Progress>("progress")?.unwrap_or_default(),
        intent: fields.json("intent")?,
        receipt: fields.json("receipt")?,
        error: fields.json("error")?,
        cancel_requested: fields.text("cancel").is_some(),
        created_at: fields.time_required("created_at")?,
        started_at: fields.time("started_at")?,
        finished_at: fields.time("finished_at")?,
        retry_at: fields.time("retry_at")?,
    };
    Ok(Some(Record { job, fence: Fence(fields.parse_required("fence")?) }))
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
