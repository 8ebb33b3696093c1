//! The form: what was typed, what is offered, what was wrong.

use sluice_domain::Preset;

use super::preview::{Preview, Tag, Why};

/// The qualities that are offered at once; the others wait behind "More".
pub(super) const MAIN: [Preset; 5] = [Preset::Best, Preset::P1080, Preset::P720, Preset::Iphone, Preset::Audio];

/// The form as the person left it, raw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Typed {
    /// Lines of links.
    pub(crate) text: String,
    /// The preset's word.
    pub(crate) preset: String,
    /// The folder.
    pub(crate) folder: String,
}

/// What was wrong, beside its field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// `url`, `folder` or `preset`.
    pub(crate) field: &'static str,
    /// For people.
    pub(crate) message: String,
}

/// The form, ready to print.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) csrf: String,
    /// Fresh for each form that is shown: posting the same form twice makes one job.
    pub(crate) key: String,
    pub(crate) text: String,
    pub(crate) folder: String,
    pub(crate) main: Vec<Choice>,
    pub(crate) more: Vec<Choice>,
    pub(crate) more_open: bool,
    pub(crate) fault: Option<Fault>,
    /// Is there a notice above about links that the person has? The field, which has the focus, leads to it.
    pub(crate) had: bool,
    /// What is behind the link.
    pub(crate) preview: Option<Preview>,
}

/// One quality that is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) word: &'static str,
    pub(crate) label: &'static str,
    pub(crate) chosen: bool,
    /// What a preview says of it.
    pub(crate) tag: Tag,
}

impl Choice {
    pub(crate) fn of(preset: Preset, chosen: Preset) -> Self {
        Self { word: preset.as_str(), label: preset.label(), chosen: preset == chosen, tag: Tag::default() }
    }
}

impl Form {
    /// The form with what was typed.
    pub(crate) fn new(csrf: String, key: String, typed: Typed, fault: Option<Fault>) -> Self {
        let chosen = typed.preset.parse().unwrap_or_default();
        let choices = |main: bool| {
            let side = Preset::ALL.into_iter().filter(move |preset| MAIN.contains(preset) == main);
            side.map(|preset| Choice::of(preset, chosen)).collect()
        };
        Self {
            csrf,
            key,
            text: typed.text,
            folder: typed.folder,
            main: choices(true),
            more: choices(false),
            more_open: !MAIN.contains(&chosen),
            fault,
            had: false,
            preview: None,
        }
    }

    /// With what is behind its link.
    pub(crate) fn showing(mut self, preview: Preview) -> Self {
        for choice in self.main.iter_mut().chain(&mut self.more) {
            choice.tag = preview.tag(choice.word);
        }
        // What would go is never behind what would not.
        self.more_open |= self.main.iter().all(|choice| choice.tag.why.is_some());
        self.preview = Some(preview);
        self
    }

    /// Why some presets would be refused.
    pub(crate) fn whys(&self, behind_more: bool) -> Vec<&Why> {
        self.preview.as_ref().map(|preview| preview.whys(behind_more)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_quality_is_never_hidden() {
        let form = |preset: &str| {
            Form::new(String::new(), String::new(), Typed { preset: preset.to_owned(), ..Typed::default() }, None)
        };
        assert!(!form("").more_open && form("").main[0].chosen);
        assert!(form("480p").more_open);
        assert!(!form("nonsense").more_open);
        assert_eq!(form("").main.len() + form("").more.len(), Preset::ALL.len());
    }
}
