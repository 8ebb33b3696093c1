//! What each binary needs to boot: [`Settings`] in layers, [`telemetry`], [`signals`], the [`ready`] file and [`health`].
//!
//! A server's `main` is three lines: parse the arguments, flatten [`BootArgs`] into them, and hand the app to [`run`]. This crate is the
//! only place that reads settings from the environment. It knows nothing of Redis, Dropbox or jobs beyond their settings.

mod boot;
pub mod health;
pub mod ready;
mod settings;
pub mod signals;
pub mod telemetry;

pub use boot::{Boot, BootArgs, EXIT_SETTINGS, install_crypto, run, run_proxy};
pub use settings::{
    Access, BadNetwork, DEFAULTS, Dropbox, Egress, Fault, Limits, Log, LogFormat, Network, Redis, Security, Server,
    Settings, SettingsError, Tools, Worker,
};
