#![doc = include_str!("../README.md")]

mod account;
mod canary;
mod connection;
mod error;
mod fields;
mod inspection;
mod keyspace;
mod lanes;
mod limit;
mod login;
mod master;
mod migrations;
mod plan;
mod random;
mod repeat;
mod replicas;
mod rotation;
mod scope;
mod seal;
mod session;
mod silence;
mod token;

use std::{fmt, sync::Arc, time::Duration};

use redis::cmd;
use secrecy::SecretString;
use sluice_domain::AccountId;

pub use account::{Account, Accounts};
pub use connection::Connection;
pub use error::StoreError;
pub use fields::Fields;
pub use inspection::Inspection;
pub use limit::Limits;
pub use login::{Login, Logins};
pub use migrations::MigrationReport;
pub use plan::Plans;
pub use rotation::{LINK_PURPOSE, Rotation, Seals};
pub use scope::{BadScope, Scope};
pub use session::{Session, SessionToken, Sessions};
pub use token::{ApiToken, Tokens};

use keyspace::Keyspace;
use seal::Sealer;

/// What a store needs to know.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// Where Redis is: `redis://`, `rediss://`, `redis+unix:///path`, `redis+sentinel://HOST:PORT,HOST:PORT/MASTERNAME/DB` or
    /// `redis+cluster://HOST:PORT,HOST:PORT`; the last two with `rediss+` as well.
    pub url: SecretString,
    /// What every key begins with.
    pub namespace: String,
    /// Seals secrets at rest. Several keys separated by spaces: the first seals, all of them open.
    pub secret_key: SecretString,
    /// How long an outage of Redis is waited out before [`StoreError::Unavailable`]. [`Duration::MAX`] waits for ever.
    pub patience: Duration,
}

/// Everything that is kept in Redis except the queue. Clones share the connection.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    connection: Connection,
    keys: Keyspace,
    sealer: Sealer,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("prefix", &self.prefix()).finish_non_exhaustive()
    }
}

impl Store {
    /// Connects, waiting for Redis as long as the patience lasts.
    ///
    /// # Errors
    /// A setting that cannot be used, no Redis in time, data of a newer version, or data that was sealed with another secret key.
    pub async fn connect(config: StoreConfig) -> Result<Self, StoreError> {
        let keys = Keyspace::new(&config.namespace)?;
        let sealer = Sealer::new(&config.secret_key)?;
        let connection = Connection::new(&config.url, keys.prefix(), config.patience)?;
        migrations::check(&connection, &keys).await?;
        canary::check(&connection, &keys, &sealer).await?;
        Ok(Self(Arc::new(Inner { connection, keys, sealer })))
    }

    /// Brings the keyspace to this version, once, whoever comes first; the others wait for it. The first one also leaves the word by which the
    /// others know whether they have the same secret key.
    ///
    /// # Errors
    /// When Redis does not answer, data of a newer version or of another secret key is there, or a migration fails.
    pub async fn migrate(&self) -> Result<MigrationReport, StoreError> {
        let report = Box::pin(migrations::run(self)).await?;
        Box::pin(canary::leave(self)).await?;
        Ok(report)
    }

    /// Does Redis answer?
    ///
    /// # Errors
    /// When it does not within the patience.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.0.connection.run(&cmd("PING")).await
    }

    /// People.
    #[must_use]
    pub fn accounts(&self) -> Accounts<'_> {
        Accounts(self)
    }

    /// Who is signed in.
    #[must_use]
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions(self)
    }

    /// Sign-ins under way.
    #[must_use]
    pub fn logins(&self) -> Logins<'_> {
        Logins(self)
    }

    /// API tokens.
    #[must_use]
    pub fn tokens(&self) -> Tokens<'_> {
        Tokens(self)
    }

    /// How often somebody may do something.
    #[must_use]
    pub fn limits(&self) -> Limits<'_> {
        Limits(self)
    }

    /// The plan cache.
    #[must_use]
    pub fn plans(&self) -> Plans<'_> {
        Plans::new(self)
    }

    /// Seals a text for this account that leaves the server and comes back, such as in a link. `purpose` keeps one use from another's.
    ///
    /// # Errors
    /// Never in practice: the cipher takes every text.
    pub fn seal(&self, purpose: &str, account: &AccountId, text: &SecretString) -> Result<String, StoreError> {
        self.0.sealer.seal(&format!("{purpose} of {account}"), text)
    }

    /// Opens what [`Store::seal`] sealed for this purpose and this account.
    ///
    /// # Errors
    /// When it was sealed for another one, by another server, or by nobody.
    pub fn unseal(&self, purpose: &str, account: &AccountId, sealed: &str) -> Result<SecretString, StoreError> {
        self.0.sealer.open(&format!("{purpose} of {account}"), sealed)
    }

    /// The connection, for crate `queue`.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.0.connection
    }

    /// What every key of this namespace begins with, for crate `queue`.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.0.keys.prefix()
    }

    pub(crate) fn keys(&self) -> &Keyspace {
        &self.0.keys
    }

    pub(crate) fn sealer(&self) -> &Sealer {
        &self.0.sealer
    }
}

/// A duration as Redis takes it.
pub(crate) fn millis(duration: Duration) -> u64 {
    // Redis adds it to its clock in a signed number; a thousand years are as good as for ever.
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).min(1_000 * 365 * 86_400_000)
}
