//! One step of the demo on the terminal: a spinner while it goes on, a line when it is done.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A step that goes on.
pub(super) struct Step(ProgressBar);

impl Step {
    pub(super) fn begin(what: &'static str) -> Self {
        let bar = ProgressBar::new_spinner();
        bar.set_style(
            ProgressStyle::with_template("{spinner} {msg} … {elapsed}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    pub(super) fn done(self, result: &str) {
        self.0.finish_and_clear();
        println!("✓ {result}");
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
