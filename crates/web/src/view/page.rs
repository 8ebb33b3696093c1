//! The pages, one template each.

use askama::Template;
use sluice_domain::Preset;

use super::{
    facts::Fact, form::Choice, form::Form, frame::Frame, history::AttemptLine, known::Duplicates, preview::Preview,
};

/// `/` for somebody who is not signed in.
#[derive(Template)]
#[template(path = "welcome.html")]
pub(crate) struct Welcome {
    pub(crate) frame: Frame,
    pub(crate) login: String,
}

/// `/`: the form and the recent downloads.
#[derive(Template)]
#[template(path = "home.html")]
pub(crate) struct Home {
    pub(crate) frame: Frame,
    pub(crate) form: Form,
    /// Links that were not sent just now, because the person has them.
    pub(crate) had: Option<Duplicates>,
    pub(crate) rows: Vec<String>,
    pub(crate) events: String,
    /// Is this the newest part of the list, where new jobs appear?
    pub(crate) first: bool,
    pub(crate) older: Option<String>,
}

/// What a preview changes in the form, for its script.
#[derive(Template)]
#[template(path = "preview.html")]
pub(crate) struct PreviewPart {
    pub(crate) form: Form,
}

/// `/jobs/{id}`.
#[derive(Template)]
#[template(path = "job.html")]
pub(crate) struct JobPage {
    pub(crate) frame: Frame,
    pub(crate) title: String,
    /// The list that it is an item of: title and address.
    pub(crate) list: Option<(String, String)>,
    pub(crate) row: String,
    /// Its items, when it is a list.
    pub(crate) items: Option<ItemsList>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) attempts: Vec<AttemptLine>,
    pub(crate) events: String,
}

/// `/save?play=1`: a film, looked at while it comes.
#[derive(Template)]
#[template(path = "watch.html")]
pub(crate) struct Watch {
    pub(crate) frame: Frame,
    pub(crate) title: String,
    /// Where the film is.
    pub(crate) address: String,
    /// Where it can be saved.
    pub(crate) save: String,
}

/// A page of the items of a list.
#[derive(Debug, Clone)]
pub(crate) struct ItemsList {
    pub(crate) rows: Vec<String>,
    /// "1 to 50 of 300".
    pub(crate) range: String,
    /// Where the list begins, when this is not it.
    pub(crate) first: Option<String>,
    pub(crate) next: Option<String>,
}

/// `/settings`.
#[derive(Template)]
#[template(path = "settings.html")]
pub(crate) struct SettingsPage {
    pub(crate) frame: Frame,
    pub(crate) csrf: String,
    pub(crate) folder: String,
    pub(crate) presets: Vec<Choice>,
    pub(crate) fault: Option<String>,
    pub(crate) fresh_token: Option<String>,
    pub(crate) tokens: Vec<TokenLine>,
    /// What a new token may do: the word for it, and what it means.
    pub(crate) scopes: Vec<(&'static str, &'static str)>,
    pub(crate) display_name: String,
    pub(crate) email: String,
}

/// An API token as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenLine {
    pub(crate) id: String,
    pub(crate) name: String,
    /// What it may do, in words.
    pub(crate) may: &'static str,
    pub(crate) made: String,
    pub(crate) used: Option<String>,
}

/// One plain message, with one way on.
#[derive(Template)]
#[template(path = "message.html")]
pub(crate) struct Message {
    pub(crate) frame: Frame,
    pub(crate) heading: &'static str,
    pub(crate) message: String,
    pub(crate) go: Option<Go>,
}

/// A way on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Go {
    pub(crate) word: &'static str,
    pub(crate) href: &'static str,
}

/// Not now, but in a moment: what was typed stays in the form.
#[derive(Template)]
#[template(path = "later.html")]
pub(crate) struct Later {
    pub(crate) frame: Frame,
    pub(crate) heading: &'static str,
    pub(crate) message: String,
    pub(crate) form: Option<Form>,
}

/// Every quality, for a list to choose from.
pub(crate) fn preset_choices(chosen: Preset) -> Vec<Choice> {
    Preset::ALL.into_iter().map(|preset| Choice::of(preset, chosen)).collect()
}
