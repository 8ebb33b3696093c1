//! `sluice token`: API tokens for people who run an installation. Everybody else makes theirs on the settings page.

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use secrecy::ExposeSecret as _;
use sluice_domain::AccountId;
use sluice_store::Scope;

use crate::{installation::Installation, place::Place};

/// Make, list and revoke API tokens
#[derive(Debug, Args)]
pub(crate) struct Token {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a token and print it; it is shown this once
    Create {
        /// Whose: the Dropbox account id
        #[arg(long, value_name = "dbid:...")]
        account: AccountId,
        /// What to call it
        #[arg(long, default_value = "command line")]
        name: String,
        /// What it may do: read (see the jobs), send (send links and steer jobs), or all
        #[arg(long, default_value_t = Scope::All)]
        scope: Scope,
    },
    /// List an account's tokens
    List {
        /// Whose: the Dropbox account id
        #[arg(long, value_name = "dbid:...")]
        account: AccountId,
    },
    /// Make a token useless
    Revoke {
        /// Whose: the Dropbox account id
        #[arg(long, value_name = "dbid:...")]
        account: AccountId,
        /// The token's id, as listed
        id: String,
    },
}

/// Does it.
pub(crate) async fn run(place: &Place, token: &Token) -> Result<()> {
    let store = Installation::open(place)?.store().await?;
    let tokens = store.tokens();
    match &token.action {
        Action::Create { account, name, scope } => {
            if store.accounts().get(account).await?.is_none() {
                eprintln!("Note: {account} has not signed in yet. The token works once they have.");
            }
            let (plain, _) = tokens.create(account, name, *scope).await?;
            println!("{}", plain.expose_secret());
        }
        Action::List { account } => {
            let list = tokens.list(account).await?;
            if list.is_empty() {
                eprintln!("{account} has no tokens.");
            }
            for token in list {
                let used = token.last_used.map_or("never used".to_owned(), |at| format!("last used {at:.0}"));
                println!("{}  {}  (may {}, made {:.0}, {used})", token.id, token.name, token.scope, token.created_at);
            }
        }
        Action::Revoke { account, id } => {
            if !tokens.list(account).await?.iter().any(|token| token.id == *id) {
                bail!("{account} has no token {id}: see `sluice token list --account {account}`");
            }
            tokens.revoke(account, id).await?;
            println!("Revoked.");
        }
    }
    Ok(())
}
