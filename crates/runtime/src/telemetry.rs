//! The log: one line per event on standard error, as text for people or JSON for machines.
//!
//! Standard output stays free for the one line that says where a server listens. Two modules of the Dropbox SDK are held back whatever the
//! filter says: they would log tokens and whole answers.

use std::io::IsTerminal as _;

use tracing::error;
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use crate::settings::{Log, LogFormat};

/// `oauth2` logs the answer of the token endpoint, tokens included; `client_helpers` logs the text of each answer, and as an error every
/// refusal that we expect. What matters of them is in our own failures.
const HELD_BACK: [&str; 2] = ["dropbox_sdk::oauth2=off", "dropbox_sdk::client_helpers=off"];

/// Starts the log of this process. A second call in one process does nothing, so that tests may call it.
pub fn init(log: &Log, service: &str) {
    let registry = tracing_subscriber::registry().with(filter(&log.filter));
    let started = match log.format {
        LogFormat::Text => {
            let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            registry.with(fmt::layer().with_writer(std::io::stderr).with_ansi(colour).with_target(false)).try_init()
        }
        LogFormat::Json => {
            let layer = fmt::layer().json().flatten_event(true).with_current_span(false).with_writer(std::io::stderr);
            registry.with(layer).try_init()
        }
    };
    if started.is_ok() {
        // A panic belongs into the log, on one line, under the spans of the job that it hit.
        std::panic::set_hook(Box::new(|panic| error!("Panic: {}", panic.to_string().replace('\n', " "))));
        tracing::info!(service, version = env!("CARGO_PKG_VERSION"), "Starting {service}");
    }
}

fn filter(directives: &str) -> EnvFilter {
    // The settings were refused already if this does not parse.
    let filter = EnvFilter::try_new(directives).unwrap_or_default();
    HELD_BACK
        .iter()
        .filter_map(|directive| directive.parse().ok())
        .fold(filter, |filter, directive| filter.add_directive(directive))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_is_held_back_whatever_the_filter_says() {
        for directives in
            ["trace", "info", "dropbox_sdk=trace", "dropbox_sdk::oauth2=trace,dropbox_sdk::client_helpers=debug"]
        {
            let filter = filter(directives).to_string();
            for held in HELD_BACK {
                assert!(filter.split(',').any(|directive| directive == held), "{directives}: {filter}");
            }
            assert!(!filter.contains("oauth2=trace") && !filter.contains("client_helpers=debug"), "{filter}");
        }
    }
}
