//! Where Dropbox is, and how patient to be with it. Values only.

use std::time::Duration;

use secrecy::SecretString;

/// The addresses and the app's key. The defaults are the real service, without a key.
#[derive(Debug, Clone)]
pub struct DropboxConfig {
    /// The app key, public.
    pub app_key: String,
    /// The app secret. Not needed: sign-in uses PKCE. When given, it accompanies refreshes.
    pub app_secret: Option<SecretString>,
    /// Base of the RPC routes.
    pub api_url: String,
    /// Base of the content routes.
    pub content_url: String,
    /// The consent page.
    pub authorize_url: String,
    /// The token endpoint.
    pub token_url: String,
    /// The proxy through which https addresses are reached, if one is. The practice Dropbox (http) is near, and reached by itself.
    pub proxy: Option<String>,
}

impl Default for DropboxConfig {
    fn default() -> Self {
        Self {
            app_key: String::new(),
            app_secret: None,
            api_url: "https://api.dropboxapi.com".into(),
            content_url: "https://content.dropboxapi.com".into(),
            authorize_url: "https://www.dropbox.com/oauth2/authorize".into(),
            token_url: "https://api.dropboxapi.com/oauth2/token".into(),
            proxy: None,
        }
    }
}

/// Timeouts and budgets. The defaults are meant for production; tests shorten them.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// Certificates (PEM) to trust beside the system's.
    pub extra_roots_pem: Option<Vec<u8>>,
    /// The largest body of one append in bytes; Dropbox takes up to 150 MiB. Small files use smaller ones, so that progress shows.
    pub largest_chunk: u64,
    /// Files of more bytes than this go over in concurrent sessions, if their source can be read in several places at once.
    pub concurrent_over: u64,
    /// Appends that may be under way at once, of one file or of all files of this process together, which share them evenly; each file may have
    /// one. How many there are depends on what they bring.
    pub most_lanes: usize,
    /// A concurrent session takes about so many appends, as far as their size may vary: what is under way when a worker dies is sent again.
    pub usual_appends: u64,
    /// For a TCP and TLS handshake.
    pub connect_timeout: Duration,
    /// For a call without a large body, whole.
    pub call_timeout: Duration,
    /// For an append: the longest time in which Dropbox takes no byte and gives no answer. Waiting for the source does not count.
    pub stall_timeout: Duration,
    /// For a commit. Large files take minutes.
    pub finish_timeout: Duration,
    /// A commit that is on its way when the gate shuts gets this long to tell its end.
    pub commit_grace: Duration,
    /// The first pause between repetitions; it doubles from there.
    pub first_wait: Duration,
    /// The first pause after a 429 that names no time.
    pub first_busy_wait: Duration,
    /// The longest pause between repetitions that we choose ourselves.
    pub longest_wait: Duration,
    /// How long to repeat while Dropbox cannot be reached, answers 5xx, or lets the answer get lost.
    pub unreachable_for: Duration,
    /// How long to repeat while Dropbox asks to slow down.
    pub busy_for: Duration,
    /// How long to repeat while somebody else writes to the account.
    pub locked_for: Duration,
    /// How long to repeat while Dropbox claims not to know its own routes, which happened in an outage.
    pub outage_for: Duration,
    /// Pauses between looks for a file that was just committed: it may not be visible at once.
    pub settle_waits: [Duration; 3],
}

impl Default for Tuning {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            extra_roots_pem: None,
            largest_chunk: 32 * 1024 * 1024,
            concurrent_over: 32 * 1024 * 1024,
            most_lanes: 8,
            usual_appends: 128,
            connect_timeout: seconds(10),
            call_timeout: seconds(60),
            stall_timeout: seconds(120),
            finish_timeout: seconds(600),
            commit_grace: seconds(5),
            first_wait: seconds(1),
            first_busy_wait: seconds(5),
            longest_wait: seconds(60),
            unreachable_for: seconds(30 * 60),
            busy_for: seconds(30 * 60),
            locked_for: seconds(10 * 60),
            outage_for: seconds(60 * 60),
            settle_waits: [seconds(2), seconds(5), seconds(15)],
        }
    }
}
