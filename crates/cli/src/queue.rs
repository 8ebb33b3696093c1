//! `sluice queue`: what `/operator` shows and does, from the command line.

mod report;

use std::io::{IsTerminal as _, Write as _};

use anyhow::{Result, bail};
use clap::{
    Args, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser as _},
};
use sluice_domain::{AccountId, FailureKind};
use sluice_store::Store;

use self::report::Report;
use crate::{installation::Installation, place::Place};

/// See and steer the whole queue: pauses, weights, retries, cancels
///
/// For whoever runs the installation. It shows no link and no title.
#[derive(Debug, Args)]
pub(crate) struct Queue {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show what waits, runs and failed, the workers, and the accounts
    Status {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Begin nothing more, of one account or at all
    ///
    /// What runs goes on, and new links are taken as ever. It lasts until `sluice queue resume`, through restarts too.
    Pause {
        /// Of this account only: its Dropbox account id
        #[arg(long, value_name = "dbid:...")]
        account: Option<AccountId>,
    },
    /// End a pause
    ///
    /// A pause of the whole queue and one of an account are two: each is ended by itself.
    Resume {
        /// Of this account only: its Dropbox account id
        #[arg(long, value_name = "dbid:...")]
        account: Option<AccountId>,
    },
    /// Let an account count as so many people
    ///
    /// It gets that many turns, and may have that many times `limits.user_running` jobs running.
    Weigh {
        /// Whose: the Dropbox account id
        #[arg(value_name = "dbid:...")]
        account: AccountId,
        /// As how many people, 1 to 16
        #[arg(value_parser = clap::value_parser!(u8).range(1..=16))]
        weight: u8,
    },
    /// Send all jobs that ended with this kind of failure once more
    Retry {
        /// The kind, as `sluice queue status` and the log call it
        #[arg(value_parser = kinds())]
        kind: FailureKind,
    },
    /// Cancel all jobs that wait for a worker, of one account or of everybody
    ///
    /// What runs, and what is between attempts, goes on. Whoever sent a job that was cancelled can send it once more.
    Cancel {
        /// Of this account only: its Dropbox account id
        #[arg(long, value_name = "dbid:...")]
        account: Option<AccountId>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

fn kinds() -> impl clap::builder::TypedValueParser<Value = FailureKind> {
    PossibleValuesParser::new(FailureKind::ALL.map(FailureKind::as_str))
        .map(|word| FailureKind::ALL.into_iter().find(|kind| kind.as_str() == word).unwrap_or(FailureKind::Internal))
}

/// Does it.
pub(crate) async fn run(place: &Place, queue: &Queue) -> Result<()> {
    let installation = Installation::open(place)?;
    let store = installation.store().await?;
    let queue_itself = sluice_wiring::queue(&installation.settings, store.clone());
    let operator = queue_itself.operator();
    match &queue.action {
        Action::Status { json } => {
            let report = Report::of(&operator.overview().await?, &store).await?;
            if *json {
                println!("{}", serde_json::to_string_pretty(&report)?);
            } else {
                print!("{report}");
            }
        }
        Action::Pause { account } => {
            note_unknown(&store, account.as_ref()).await?;
            operator.pause(account.as_ref()).await?;
            println!("Paused: {} What runs goes on.", told(account.as_ref(), "nothing more is begun"));
        }
        Action::Resume { account } => {
            operator.resume(account.as_ref()).await?;
            println!("Resumed: {}", told(account.as_ref(), "jobs are begun again"));
        }
        Action::Weigh { account, weight } => {
            note_unknown(&store, Some(account)).await?;
            operator.set_weight(account, *weight).await?;
            println!("{account} has weight {weight} now.");
        }
        Action::Retry { kind } => println!("Sent once more: {}.", jobs(operator.retry_all(*kind).await?)),
        Action::Cancel { account, yes } => {
            if !yes {
                confirm(account.as_ref())?;
            }
            println!("Cancelled: {}.", jobs(operator.cancel_waiting(account.as_ref()).await?));
        }
    }
    Ok(())
}

/// A pause or a weight of somebody who never came may be a slip of the pen.
async fn note_unknown(store: &Store, account: Option<&AccountId>) -> Result<()> {
    if let Some(account) = account
        && store.accounts().get(account).await?.is_none()
    {
        eprintln!("Note: {account} has not signed in yet. It holds once they have.");
    }
    Ok(())
}

fn confirm(account: Option<&AccountId>) -> Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody can be asked here: say --yes to cancel what waits");
    }
    print!("Cancel all waiting jobs of {}? [y/N] ", account.map_or("everybody", AccountId::as_str));
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        Ok(())
    } else {
        bail!("nothing was cancelled")
    }
}

fn told(account: Option<&AccountId>, what: &str) -> String {
    account.map_or_else(|| format!("{what}."), |account| format!("{what} of {account}."))
}

fn jobs(count: u64) -> String {
    format!("{count} job{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        queue: Queue,
    }

    fn parse(line: &str) -> Result<Action, String> {
        let parsed = Line::try_parse_from(format!("queue {line}").split_whitespace());
        parsed.map(|line| line.queue.action).map_err(|error| error.to_string())
    }

    #[test]
    fn every_failure_can_be_named() {
        for kind in FailureKind::ALL {
            assert!(matches!(parse(&format!("retry {kind}")), Ok(Action::Retry { kind: read }) if read == kind));
        }
        assert!(parse("retry everything").unwrap_err().contains("site_busy"), "the kinds are told");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(matches!(parse("weigh dbid:ada 16"), Ok(Action::Weigh { weight: 16, .. })));
        for line in
            ["weigh dbid:ada 0", "weigh dbid:ada 17", "weigh ada 2", "pause --account ada", "cancel --account", ""]
        {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
