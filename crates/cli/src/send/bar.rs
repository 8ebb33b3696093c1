//! One job as a progress bar. It shows the slower leg, as the page does, and never claims more than the server does.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use sluice_domain::{ByteSize, human_duration, human_rate};

use super::api::JobView;

/// Width of the bar in characters.
const WIDTH: usize = 24;

/// A bar on the terminal; silent where there is none.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    pub(super) fn show(&self, job: &JobView) {
        let bytes = moving(job).zip(job.bytes_total.filter(|total| *total > 0));
        let items = job.items.filter(|items| items.total() > 0);
        let figure = if items.is_some() { "{pos} of {len}" } else { "{percent:>3} %" };
        match items.map(|items| (items.over().into(), items.total().into())).or(bytes) {
            Some((done, total)) => {
                self.0.set_style(style(&format!("{{spinner}} [{{bar:{WIDTH}}}] {figure}  {{wide_msg}}")));
                self.0.set_length(total);
                self.0.set_position(done.min(total));
            }
            None => self.0.set_style(style("{spinner} {wide_msg}")),
        }
        self.0.set_message(sentence(job));
    }

    /// Says something above the bar.
    pub(super) fn say(&self, line: &str) {
        self.0.suspend(|| eprintln!("{line}"));
    }

    pub(super) fn gone(&self) {
        self.0.finish_and_clear();
    }
}

/// A template of ours that does not parse is a bug that the tests find; people get the default look.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─")
}

/// Bytes of the slower leg, while bytes move.
fn moving(job: &JobView) -> Option<u64> {
    // While nothing has reached Dropbox, the fetch is all there is to see.
    let slower = if job.bytes_out == 0 { job.bytes_in } else { job.bytes_out };
    (job.state == "running" && job.phase.as_deref() == Some("transferring")).then_some(slower)
}

/// What goes on, in words.
fn sentence(job: &JobView) -> String {
    let name = job.title.as_deref().unwrap_or("your link");
    let state = match (job.state.as_str(), job.phase.as_deref()) {
        ("running", Some("transferring")) => {
            let size = |bytes: u64| ByteSize(bytes).to_string();
            let mut parts =
                vec![format!("fetched {}", size(job.bytes_in)), format!("in Dropbox {}", size(job.bytes_out))];
            parts.extend(job.bytes_total.map(|total| format!("of {}", size(total))));
            parts.extend(job.rate.filter(|rate| *rate > 0).map(human_rate));
            parts.extend(job.seconds_left.map(|s| format!("{} left", human_duration(Duration::from_secs(s)))));
            parts.join(" · ")
        }
        ("running", Some("committing")) => "finishing".to_owned(),
        (state, _) if let Some(items) = &job.items => {
            let message = job.message.clone().unwrap_or_else(|| state.to_owned());
            let mut parts = vec![message, format!("{} of {} arrived", items.arrived(), items.total())];
            let missing = items.failed + items.refused;
            parts.extend((missing > 0).then(|| format!("{missing} did not")));
            parts.join(" · ")
        }
        ("running", _) => "looking at the link".to_owned(),
        (state, _) => job.message.clone().unwrap_or_else(|| state.to_owned()),
    };
    format!("{name}: {state}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, want: &str, at: Option<u64>) {
        let job: JobView = serde_json::from_str(json).unwrap();
        assert_eq!((sentence(&job).as_str(), moving(&job)), (want, at));
        Bar::new().show(&job);
    }

    #[test]
    fn every_state_is_a_sentence() {
        check(
            r#"{"state":"queued","message":"Waiting: 2 of yours ahead"}"#,
            "your link: Waiting: 2 of yours ahead",
            None,
        );
        check(r#"{"state":"running","phase":"extracting","title":"A"}"#, "A: looking at the link", None);
        check(
            r#"{"state":"running","phase":"transferring","title":"A","bytes_in":61000000,"bytes_out":0,
                "bytes_total":96000000,"rate":11000000,"seconds_left":4}"#,
            "A: fetched 61 MB · in Dropbox 0 bytes · of 96 MB · 11 MB/s · 4 s left",
            Some(61_000_000),
        );
        check(
            r#"{"state":"running","phase":"transferring","bytes_in":9,"bytes_out":5,"bytes_total":null}"#,
            "your link: fetched 9 bytes · in Dropbox 5 bytes",
            Some(5),
        );
        check(r#"{"state":"running","phase":"committing","title":"A"}"#, "A: finishing", None);
        check(r#"{"state":"paused","title":"A","message":"Paused by you"}"#, "A: Paused by you", None);
        check(
            r#"{"state":"collecting","title":"Talks","message":"Collecting",
                "items":{"found":300,"listed":true,"completed":11,"duplicate":1,"failed":3}}"#,
            "Talks: Collecting · 12 of 300 arrived · 3 did not",
            None,
        );
    }

    #[test]
    fn the_templates_parse() {
        assert!(ProgressStyle::with_template("{spinner} [{bar:24}] {percent:>3} %  {wide_msg}").is_ok());
        assert!(ProgressStyle::with_template("{spinner} [{bar:24}] {pos} of {len}  {wide_msg}").is_ok());
        assert!(ProgressStyle::with_template("{spinner} {wide_msg}").is_ok());
    }
}
