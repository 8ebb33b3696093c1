//! `sluice send`: hands a link to a server and stays until the file is in the Dropbox.
//!
//! The job belongs to the server from the first answer on: whatever happens here afterwards, it goes on there.

mod api;
mod bar;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use clap::Args;
use secrecy::SecretString;
use sluice_domain::{ByteSize, Preset};
use url::Url;

use self::{
    api::{Answer, Api, ApiError, NewJob},
    bar::Bar,
};
use crate::random;

/// How often the server is asked.
const LOOK: Duration = Duration::from_millis(400);
/// How long an outage of the server is waited out.
const PATIENCE: Duration = Duration::from_secs(120);
/// The pause after a failed question, unless the server names one.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Send a link to your Dropbox, and watch until the file is there
///
/// The exit code tells how it ended: 0 when the file is in your Dropbox, 1 when the job did not end well or the server could not be asked.
/// Standard output gets the path in your Dropbox, of a list the folder (or the whole record, with --json). A link that you sent before is
/// not sent twice: you are told where its file is, and that counts as success.
#[derive(Debug, Args)]
#[command(after_help = "An API token is made on the server's settings page, or with `sluice token create`.")]
pub(crate) struct Send {
    /// The link
    url: String,
    /// Quality: best, 2160p, 1080p, 720p, 480p, iphone, fit, audio, m4a, mp3 or opus [default: the account's]
    #[arg(long)]
    preset: Option<Preset>,
    /// Folder in your Dropbox, such as /Videos [default: the account's]
    #[arg(long)]
    folder: Option<String>,
    /// Fetch it although you have it already; the same bytes stay one file
    #[arg(long)]
    force: bool,
    /// The server
    #[arg(long, value_name = "URL", env = "SLUICE_SERVER", default_value = "http://127.0.0.1:8080")]
    server: Url,
    /// API token; better given in the environment, where other users of this machine cannot see it
    #[arg(long, env = "SLUICE_TOKEN", hide_env_values = true)]
    token: Option<SecretString>,
    /// Do not stay until it is done: print the job's id and leave
    #[arg(long)]
    no_wait: bool,
    /// Print the job's record as JSON at the end
    #[arg(long)]
    json: bool,
}

/// Sends one link.
pub(crate) async fn run(send: &Send) -> Result<ExitCode> {
    let Some(token) = send.token.clone() else {
        bail!(
            "no API token: put one into SLUICE_TOKEN (the server's settings page makes one, or `sluice token create`)"
        );
    };
    let api = Api::new(send.server.clone(), token)?;
    let key = format!("cli-{}", random::hex::<16>()?);
    let job = NewJob {
        url: &send.url,
        preset: send.preset.map(Preset::as_str),
        folder: send.folder.as_deref(),
        force: send.force,
        idempotency_key: &key,
    };
    let accepted = patiently(&async || api.enqueue(&job).await, false, |_| {}).await?;
    let id = accepted.view.id.clone();
    if send.no_wait {
        print(&accepted, send.json, &id);
        return Ok(ExitCode::SUCCESS);
    }
    let bar = Bar::new();
    let known = accepted.view.duplicate;
    match (known, accepted.view.state.as_str()) {
        (false, _) => bar.say("Accepted: the server will finish this even if you leave."),
        (true, "completed") => {}
        (true, _) => bar.say("This is on its way already: watching that. --force fetches it once more."),
    }
    let ended = tokio::select! {
        ended = follow(&api, accepted, &bar) => ended,
        _ = tokio::signal::ctrl_c() => {
            bar.gone();
            eprintln!("Left. The job goes on at the server: {id}");
            return Ok(ExitCode::FAILURE);
        }
    };
    bar.gone();
    let ended = ended?;
    Ok(tell(&ended.answer, known || ended.known, send.json))
}

/// A job that is over.
struct Ended {
    answer: Answer,
    /// Did it turn out that another job brings, or has brought, the same? Then it is that one.
    known: bool,
}

async fn follow(api: &Api, mut answer: Answer, bar: &Bar) -> Result<Ended> {
    let mut known = false;
    loop {
        bar.show(&answer.view);
        let job = &answer.view;
        let duplicate = job.error.as_ref().is_some_and(|error| error.kind == "duplicate");
        let id = match (job.state.as_str(), &job.duplicate_of) {
            // One turn is enough: the other one is not refused for the same reason.
            ("refused", Some(other)) if duplicate && !known => {
                known = true;
                other.clone()
            }
            ("completed" | "failed" | "refused" | "cancelled", _) => return Ok(Ended { answer, known }),
            _ => {
                tokio::time::sleep(LOOK).await;
                job.id.clone()
            }
        };
        let waiting = |error: &ApiError| bar.say(&format!("Still trying: {error}"));
        answer = patiently(&async || api.job(&id).await, true, waiting).await?;
    }
}

/// Asks until there is an answer, a refusal, or the end of the patience. `known` servers are waited for when they are not there;
/// one that was never reached is rather a wrong address.
async fn patiently<F>(ask: &F, known: bool, waiting: impl Fn(&ApiError)) -> Result<Answer>
where
    F: AsyncFn() -> Result<Answer, ApiError>,
{
    let begun = Instant::now();
    let mut told = false;
    loop {
        let error = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let pause = match &error {
            ApiError::Busy { after, .. } => after.unwrap_or(PAUSE).min(LONGEST_PAUSE),
            ApiError::Unreachable { .. } if known => PAUSE,
            _ => return Err(error.into()),
        };
        if begun.elapsed() + pause > PATIENCE {
            return Err(error.into());
        }
        if !told {
            waiting(&error);
            told = true;
        }
        tokio::time::sleep(pause).await;
    }
}

/// The end of the job, in words and as an exit code.
fn tell(answer: &Answer, known: bool, json: bool) -> ExitCode {
    let job = &answer.view;
    let name = job.title.as_deref().unwrap_or("Your link");
    let path = match &job.items {
        Some(_) => job.folder.as_deref(),
        None => job.dropbox_path.as_deref(),
    };
    let path = path.unwrap_or_default();
    let code = if job.state == "completed" {
        let size = job.size.map(|size| format!(" ({})", ByteSize(size))).unwrap_or_default();
        match &job.items {
            Some(items) => {
                eprintln!("✓ {name}: {} of {} items are in your Dropbox", items.arrived(), items.found);
                if let Some(limit) = items.cut_at {
                    eprintln!("  The list is longer: this server takes {limit} items at once.");
                }
            }
            None if known => eprintln!("✓ {name} is already in your Dropbox{size}. --force fetches it once more."),
            None => eprintln!("✓ {name} is in your Dropbox{size}"),
        }
        print(answer, json, path);
        return ExitCode::SUCCESS;
    } else {
        ExitCode::FAILURE
    };
    let why = match (&job.error, &job.message) {
        (Some(error), _) => &error.message,
        (None, Some(message)) => message,
        (None, None) => &job.state,
    };
    eprintln!("✕ {name}: {why}");
    if json {
        print(answer, json, "");
    }
    code
}

fn print(answer: &Answer, json: bool, plain: &str) {
    if json {
        println!("{}", answer.json);
    } else {
        println!("{plain}");
    }
}
