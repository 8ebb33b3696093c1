//! Everything the emulator holds while it runs; the routes work on this.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::api::batch::Batches;
use crate::api::temporary::TemporaryLinks;
use crate::clock::Clock;
use crate::control::calls::Calls;
use crate::control::faults::Faults;
use crate::error::Error;
use crate::files::account::Account;
use crate::oauth::codes::{Request, Waiting};
use crate::oauth::grants::Grants;
use crate::sessions::Sessions;
use crate::settings::{Settings, Switches};
use crate::wire::pace::Line;

/// Name of the folder with the emulator's own records.
const RECORDS: &str = ".emulator";

/// The emulator's state.
pub(crate) struct Service {
    pub(crate) settings: Settings,
    switches: Mutex<Switches>,
    pub(crate) clock: Clock,
    pub(crate) accounts: Vec<Arc<Account>>,
    pub(crate) grants: Grants,
    /// Consent pages that have not been answered, by the ticket in their form.
    pub(crate) questions: Waiting<Request>,
    /// Codes that have not been exchanged, with the account that agreed.
    pub(crate) codes: Waiting<(Request, String)>,
    pub(crate) sessions: Sessions,
    pub(crate) batches: Batches,
    pub(crate) temporary_links: TemporaryLinks,
    pub(crate) faults: Faults,
    pub(crate) calls: Calls,
    pub(crate) line: Line,
}

impl Service {
    /// Opens the folder. Blocks the thread.
    pub(crate) fn open(settings: Settings) -> Result<Self, Error> {
        let records = settings.folder.join(RECORDS);
        let accounts_folder = records.join("accounts");
        std::fs::create_dir_all(&accounts_folder).map_err(Error::file(&accounts_folder))?;
        if settings.accounts.is_empty() {
            return Err(Error::Setting("at least one account is needed".into()));
        }
        let open = |name: &String| open_account(&settings.folder, &accounts_folder, name, settings.quota);
        Ok(Self {
            switches: Mutex::new(settings.switches),
            clock: Clock::default(),
            accounts: settings.accounts.iter().map(open).collect::<Result<_, _>>()?,
            grants: Grants::open(&records.join("grants.json"))?,
            questions: Waiting::default(),
            codes: Waiting::default(),
            sessions: Sessions::open(&records.join("sessions"))?,
            batches: Batches::default(),
            temporary_links: TemporaryLinks::default(),
            faults: Faults::default(),
            calls: Calls::default(),
            line: Line::new(settings.throttle),
            settings,
        })
    }

    /// The account with this id.
    pub(crate) fn account(&self, id: &str) -> Option<&Arc<Account>> {
        self.accounts.iter().find(|account| account.id == id)
    }

    /// Whether an app is registered, and a secret right. Without any registered app everybody is known.
    pub(crate) fn knows_app(&self, key: &str, secret: Option<&str>) -> bool {
        let fits = |expected: &Option<String>| secret.is_none() || expected.is_none() || expected.as_deref() == secret;
        self.settings.apps.is_empty() || self.settings.apps.iter().any(|app| app.key == key && fits(&app.secret))
    }

    pub(crate) fn switches(&self) -> Switches {
        *self.switches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_switches(&self, switches: Switches) {
        *self.switches.lock().unwrap_or_else(PoisonError::into_inner) = switches;
    }

    /// Life of an upload session, by the switch.
    pub(crate) fn session_days(&self) -> i64 {
        match self.switches().session_days {
            crate::settings::SessionDays::Seven => 7,
            crate::settings::SessionDays::Two => 2,
        }
    }
}

fn open_account(folder: &Path, records: &Path, name: &str, quota: u64) -> Result<Arc<Account>, Error> {
    let folder: PathBuf = folder.into();
    Account::open(&folder, records, name, quota).map(Arc::new)
}
