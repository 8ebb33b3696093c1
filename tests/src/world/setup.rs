//! How a world differs from the default, and how it comes up.

use anyhow::{Context, Result};
use rand::RngCore as _;
use tokio::sync::Semaphore;

use super::{Exit, World};
use crate::{
    authority::Authority,
    emulator::{APP_KEY, Emulator},
    proxy::Proxy,
    redis::{Fsync, Redis},
    site::Site,
    tools,
};

/// Worlds that may run side by side: each is half a dozen processes, and machines that test are small.
static TURNS: Semaphore = Semaphore::const_new(2);

/// What a test wants.
#[derive(Debug, Clone)]
pub struct Setup {
    settings: Vec<(String, String)>,
    workers: usize,
    accounts: Vec<String>,
    fsync: Fsync,
    proxied: bool,
    secure: bool,
    exit: bool,
    password: Option<String>,
}

/// The variable of a setting.
pub(super) fn variable(name: &str) -> String {
    format!("SLUICE__{}", name.to_uppercase().replace('.', "__"))
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            settings: Vec::new(),
            workers: 1,
            accounts: Vec::new(),
            fsync: Fsync::Always,
            proxied: false,
            secure: false,
            exit: false,
            password: None,
        }
    }
}

impl Setup {
    /// Sets one of Sluice's settings by its name in the settings file: `setting("limits.max_file_bytes", "300 MB")`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts so many workers.
    #[must_use]
    pub fn workers(mut self, count: usize) -> Self {
        self.workers = count;
        self
    }

    /// Gives the practice Dropbox these accounts instead of its own two.
    #[must_use]
    pub fn accounts(mut self, names: &[String]) -> Self {
        self.accounts = names.to_vec();
        self
    }

    /// Says how soon what Redis wrote is on disk; before it is acknowledged by default.
    #[must_use]
    pub fn fsync(mut self, fsync: Fsync) -> Self {
        self.fsync = fsync;
        self
    }

    /// Puts a proxy between everything of Sluice and Redis: `World::line`.
    #[must_use]
    pub fn proxied(mut self) -> Self {
        self.proxied = true;
        self
    }

    /// Lets Dropbox speak TLS only, and the site TLS too; Sluice trusts their authority.
    #[must_use]
    pub fn secure(mut self) -> Self {
        self.secure = true;
        self
    }

    /// Leaves the web server and the workers no way out but `sluice egress-proxy`, with a doorman before whatever is outside: `World::exit`. Dropbox
    /// speaks TLS, and the site TLS too.
    #[must_use]
    pub fn one_exit(mut self) -> Self {
        self.exit = true;
        self.secure()
    }

    /// Lets Redis ask for a password.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// Starts everything and waits until it is ready.
    pub async fn start(self) -> Result<World> {
        let turn = TURNS.acquire().await?;
        let directory = tempfile::Builder::new().prefix("sluice-world-").tempdir()?;
        let place = directory.path();
        for folder in ["spool", "tmp", "home"] {
            std::fs::create_dir(place.join(folder))?;
        }
        let site = Site::start().await?;
        let accounts: Vec<String> = self.accounts.iter().flat_map(|name| ["--account".into(), name.clone()]).collect();
        let authority = self.secure.then(|| Authority::make(place)).transpose()?;
        let dropbox = async {
            match &authority {
                Some(authority) => Emulator::start_secure(place, &accounts, authority).await,
                None => Emulator::start(place, &accounts).await,
            }
        };
        let (redis, emulator) = tokio::try_join!(Redis::start(place, self.fsync), dropbox)?;
        let mut allowed = site.address().to_string();
        let mut exit = None;
        let mut dropbox = emulator.address().to_owned();
        if let (Some(authority), true) = (&authority, self.exit) {
            let mut doors = Exit::prepare(&site, authority, &emulator).await?;
            allowed = format!("{allowed},{}", doors.allowed());
            dropbox = format!("https://{}", doors.dropbox.address());
            doors.open(place, &allowed).await.context("sluice egress-proxy")?;
            exit = Some(doors);
        } else if let Some(authority) = &authority {
            allowed = format!("{allowed},{}", site.secure(authority).await?);
        }
        let line = if self.proxied { Some(Proxy::start(redis.socket()).await?) } else { None };
        if let Some(password) = &self.password {
            redis.demand(password).await?;
        }
        let redis_url = line.as_ref().map_or_else(|| redis.url(), Proxy::url);
        let redis_url =
            self.password.as_ref().map_or(redis_url.clone(), |password| format!("{redis_url}?pass={password}"));

        let path = |name: &str| place.join(name).display().to_string();
        let python = tools::python()?;
        let yt_dlp = python.with_file_name("yt-dlp");
        let mut secret = [0; 32];
        rand::rng().fill_bytes(&mut secret);
        let mut settings = vec![
            ("server.bind", "127.0.0.1:0".to_owned()),
            ("redis.url", redis_url),
            ("dropbox.app_key", APP_KEY.to_owned()),
            ("dropbox.api_url", dropbox.clone()),
            ("dropbox.content_url", dropbox.clone()),
            ("dropbox.authorize_url", format!("{}/oauth2/authorize", emulator.address())),
            ("dropbox.token_url", format!("{dropbox}/oauth2/token")),
            ("worker.spool_dir", path("spool")),
            ("worker.drain", "2s".to_owned()),
            ("egress.allow", allowed),
            ("security.secret_key", hex::encode(secret)),
            ("tools.python", python.display().to_string()),
            ("tools.yt_dlp", yt_dlp.display().to_string()),
            ("tools.plugin_dirs", tools::plugins().display().to_string()),
        ];
        if let Some(exit) = &exit {
            settings.push(("egress.upstream_proxy", format!("http://{}", exit.address()?)));
        }
        // The people of the tests are faster than people, and all have one address.
        let off = || "off".to_owned();
        settings.extend([
            ("limits.sign_in_rate", off()),
            ("limits.form_rate", off()),
            ("limits.preview_rate", off()),
            ("limits.api_rate", off()),
            ("server.connections_per_address", "0".to_owned()),
        ]);
        settings.extend(self.settings.iter().map(|(name, value)| (name.as_str(), value.clone())));
        let mut environment = tools::environment();
        environment.extend([("HOME".to_owned(), path("home")), ("TMPDIR".to_owned(), path("tmp"))]);
        if let Some(authority) = &authority {
            environment.insert("SSL_CERT_FILE".to_owned(), authority.root().display().to_string());
        }
        for (name, value) in settings {
            environment.insert(variable(name), value);
        }
        let mut world = World {
            site,
            emulator,
            redis: Some(redis),
            redis_place: None,
            line,
            exit,
            web: None,
            workers: Vec::new(),
            started: 0,
            environment,
            authority,
            directory,
            ended: false,
            _turn: turn,
        };
        world.start_web().await.context("sluice-web")?;
        for _ in 0..self.workers {
            world.add_worker().await.context("sluice-worker")?;
        }
        Ok(world)
    }
}
