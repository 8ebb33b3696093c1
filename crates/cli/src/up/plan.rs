//! What `sluice up` starts, as data: which programs, with which arguments and environment, in which order.
//!
//! Only what the settings leave open is filled in: a configured Redis, key or Dropbox app is used as it is. Starts nothing itself.

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use secrecy::ExposeSecret as _;
use sluice_runtime::Settings;

use crate::place::DataDir;

/// What redis-server may take to write its data when told to stop.
const REDIS_GRACE: Duration = Duration::from_secs(30);
/// What a server may take beyond its own drain.
const SERVER_GRACE: Duration = Duration::from_secs(10);
/// The app key that the emulator knows.
const PRACTICE_APP: &str = "practice";

/// A child process to be.
#[derive(Debug, Clone)]
pub(super) struct Spec {
    /// What it is called in the log.
    pub(super) name: String,
    pub(super) program: PathBuf,
    pub(super) args: Vec<OsString>,
    /// On top of our own environment.
    pub(super) env: Vec<(&'static str, OsString)>,
    pub(super) ready: Readiness,
    /// How long it may take to stop before it is killed.
    pub(super) grace: Duration,
}

/// How a child shows that it is ready.
#[derive(Debug, Clone)]
pub(super) enum Readiness {
    /// It writes this file.
    File(PathBuf),
    /// Redis answers on this socket.
    Redis(PathBuf),
}

/// Where the programs are.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    pub(super) redis_server: PathBuf,
    pub(super) emulator: PathBuf,
    pub(super) web: PathBuf,
    pub(super) worker: PathBuf,
}

/// What differs from one `sluice up` to the next.
#[derive(Debug)]
pub(super) struct Wishes<'a> {
    pub(super) settings: &'a Settings,
    pub(super) config: Option<&'a Path>,
    pub(super) data: &'a DataDir,
    pub(super) programs: &'a Programs,
    pub(super) workers: u32,
    pub(super) bind: SocketAddr,
    /// A free port for the emulator.
    pub(super) emulator: SocketAddr,
}

impl Wishes<'_> {
    /// Is the emulator needed?
    pub(super) fn practice(&self) -> bool {
        self.settings.dropbox.app_key.is_empty()
    }

    /// Layers of children: each layer starts when the one before is ready, and stops when the one after is gone.
    pub(super) fn layers(&self) -> Result<Vec<Vec<Spec>>> {
        let mut below = Vec::new();
        if self.settings.redis.url.expose_secret().is_empty() {
            below.push(self.redis()?);
        }
        if self.practice() {
            below.push(self.emulator());
        }
        let env = self.env()?;
        let mut servers = vec![self.server("web", &self.programs.web, env.clone(), SERVER_GRACE)];
        for number in 1..=self.workers {
            let (name, mut env) = match self.workers {
                1 => ("worker".to_owned(), env.clone()),
                _ => (format!("worker{number}"), env.clone()),
            };
            if self.workers > 1 && self.settings.worker.health_bind.is_some() {
                // One port cannot serve them all.
                env.push(("SLUICE__WORKER__HEALTH_BIND", "127.0.0.1:0".into()));
            }
            servers.push(self.server(&name, &self.programs.worker, env, self.settings.worker.drain + SERVER_GRACE));
        }
        Ok(vec![below, servers])
    }

    fn redis(&self) -> Result<Spec> {
        let socket = self.data.redis_socket()?;
        let mut args = Vec::new();
        let mut set = |key: &str, value: &dyn AsRef<std::ffi::OsStr>| {
            args.push(OsString::from(key));
            args.push(value.as_ref().to_owned());
        };
        set("--port", &"0");
        set("--unixsocket", &socket);
        set("--unixsocketperm", &"700");
        set("--dir", &self.data.redis_dir());
        set("--logfile", &self.data.redis_log());
        // Every accepted link is on disk within a second; no snapshots beside it.
        set("--appendonly", &"yes");
        set("--appendfsync", &"everysec");
        set("--save", &"");
        set("--maxmemory-policy", &"noeviction");
        set("--daemonize", &"no");
        Ok(Spec {
            name: "redis".to_owned(),
            program: self.programs.redis_server.clone(),
            args,
            env: Vec::new(),
            ready: Readiness::Redis(socket),
            grace: REDIS_GRACE,
        })
    }

    fn emulator(&self) -> Spec {
        let ready = self.ready_file("dropbox");
        let args = [
            "--folder".into(),
            self.data.dropbox_folder().into(),
            "--bind".into(),
            self.emulator.to_string().into(),
            "--app-key".into(),
            PRACTICE_APP.into(),
            "--ready-file".into(),
            ready.clone().into(),
        ];
        Spec {
            name: "dropbox".to_owned(),
            program: self.programs.emulator.clone(),
            args: args.into(),
            env: Vec::new(),
            ready: Readiness::File(ready),
            grace: SERVER_GRACE,
        }
    }

    fn server(&self, name: &str, program: &Path, env: Vec<(&'static str, OsString)>, grace: Duration) -> Spec {
        let ready = self.ready_file(name);
        let mut args = vec!["--ready-file".into(), ready.clone().into()];
        if let Some(config) = self.config {
            args.extend(["--config".into(), config.into()]);
        }
        Spec { name: name.to_owned(), program: program.to_owned(), args, env, ready: Readiness::File(ready), grace }
    }

    fn ready_file(&self, name: &str) -> PathBuf {
        self.data.run_dir().join(format!("{name}.ready"))
    }

    /// What web and worker need and the settings leave open.
    fn env(&self) -> Result<Vec<(&'static str, OsString)>> {
        let mut env: Vec<(&'static str, OsString)> = vec![("SLUICE__SERVER__BIND", self.bind.to_string().into())];
        if self.settings.redis.url.expose_secret().is_empty() {
            env.push(("SLUICE__REDIS__URL", self.data.redis_url()?.into()));
        }
        if self.settings.security.secret_key.expose_secret().is_empty() {
            env.push(("SLUICE__SECURITY__SECRET_KEY_FILE", self.data.secret_key_file().into()));
        }
        if self.settings.worker.spool_dir == std::env::temp_dir().join("sluice-spool") {
            env.push(("SLUICE__WORKER__SPOOL_DIR", self.data.spool_dir().into()));
        }
        if self.practice() {
            let emulator = format!("http://{}", self.emulator);
            env.extend([
                ("SLUICE__SERVER__PRACTICE_FOLDER", self.data.dropbox_folder().into()),
                ("SLUICE__DROPBOX__APP_KEY", PRACTICE_APP.into()),
                ("SLUICE__DROPBOX__API_URL", emulator.clone().into()),
                ("SLUICE__DROPBOX__CONTENT_URL", emulator.clone().into()),
                ("SLUICE__DROPBOX__AUTHORIZE_URL", format!("{emulator}/oauth2/authorize").into()),
                ("SLUICE__DROPBOX__TOKEN_URL", format!("{emulator}/oauth2/token").into()),
            ]);
        }
        Ok(env)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(config: &str, workers: u32, want: &[&[&str]], variables: &[&str], absent: &[&str]) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sluice.toml");
        std::fs::write(&file, config).unwrap();
        let settings = Settings::load(Some(&file)).unwrap();
        let program = PathBuf::from("/p");
        let programs = Programs {
            redis_server: program.clone(),
            emulator: program.clone(),
            web: program.clone(),
            worker: program.clone(),
        };
        let wishes = Wishes {
            settings: &settings,
            config: Some(&file),
            data: &DataDir { root: "/data".into() },
            programs: &programs,
            workers,
            bind: "127.0.0.1:8080".parse().unwrap(),
            emulator: "127.0.0.1:9".parse().unwrap(),
        };
        let layers = wishes.layers().unwrap();
        let names: Vec<Vec<&str>> =
            layers.iter().map(|layer| layer.iter().map(|spec| spec.name.as_str()).collect()).collect();
        assert_eq!(names, want);
        let web = &layers[1][0];
        let has = |name: &str| web.env.iter().any(|(key, _)| key.contains(name));
        assert!(variables.iter().all(|name| has(name)) && !absent.iter().any(|name| has(name)), "{web:?}");
        assert!(web.args.contains(&file.clone().into()));
    }

    #[test]
    fn what_is_configured_is_not_brought() {
        let ours = ["REDIS__URL", "SECRET_KEY_FILE", "DROPBOX__TOKEN_URL", "PRACTICE_FOLDER", "SPOOL_DIR"];
        check("", 1, &[&["redis", "dropbox"], &["web", "worker"]], &ours, &[]);
        check("[redis]\nurl = 'redis://r'", 2, &[&["dropbox"], &["web", "worker1", "worker2"]], &ours[1..], &ours[..1]);
        let real = "[dropbox]\napp_key = 'k'\n[worker]\nspool_dir = '/s'\n[security]\nsecret_key = \
                    '0123456789abcdef0123456789abcdef'";
        check(real, 1, &[&["redis"], &["web", "worker"]], &ours[..1], &ours[1..]);
    }
}
