//! One finding, and how it is shown.

use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// As it should be.
    Good,
    /// Works, but will trouble somebody.
    Warning,
    /// Does not work.
    Bad,
}

/// What was looked at, what was found, how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) verdict: Verdict,
    pub(super) found: String,
    /// What to do; empty when there is nothing to do.
    pub(super) mend: String,
}

impl Check {
    pub(super) fn good(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Good, found: found.into(), mend: String::new() }
    }

    pub(super) fn warning(name: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Warning, found: found.into(), mend: mend.into() }
    }

    pub(super) fn bad(name: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Bad, found: found.into(), mend: mend.into() }
    }

    pub(super) fn print(&self) {
        let mark = match self.verdict {
            Verdict::Good => "✓",
            Verdict::Warning => "!",
            Verdict::Bad => "✕",
        };
        println!("{mark} {:<14} {}", self.name, self.found);
        if !self.mend.is_empty() {
            println!("  {:<14} → {}", "", self.mend);
        }
    }
}
