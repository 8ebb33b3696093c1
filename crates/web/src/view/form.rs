//! The form: what was typed, what is offered, what was wrong.

use sluice_domain::Preset;

/// The qualities that are offered at once; the others wait behind "More".
const MAIN: [Preset; 5] = [Preset::Best, Preset::P1080, Preset::P720, Preset::Iphone, Preset::Audio];

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
}

/// One quality that is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) word: &'static str,
    pub(crate) label: &'static str,
    pub(crate) chosen: bool,
}

impl Choice {
    pub(crate) fn of(preset: Preset, chosen: Preset) -> Self {
        Self { word: preset.as_str(), label: preset.label(), chosen: preset == chosen }
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
        }
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
