//! The one way out of a world that was set up with one, and who it is that comes to the site and to Dropbox.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, ensure};
use nix::unistd::Pid;

use super::setup::variable;
use crate::{
    authority::Authority,
    binaries::binary,
    doorman::{Caller, Doorman},
    emulator::Emulator,
    process::{Launch, Process},
    site::Site,
};

/// `sluice egress-proxy`, and a doorman before everything that is outside.
#[derive(Debug)]
pub struct Exit {
    /// Before the site's plain side.
    pub site: Doorman,
    /// Before the site's TLS side.
    pub secure_site: Doorman,
    /// Before Dropbox.
    pub dropbox: Doorman,
    environment: BTreeMap<String, String>,
    process: Option<Process>,
}

impl Exit {
    /// The doormen; the proxy starts with [`Exit::open`].
    pub(super) async fn prepare(site: &Site, authority: &Authority, emulator: &Emulator) -> Result<Self> {
        let dropbox = emulator.address().trim_start_matches("https://").parse()?;
        Ok(Self {
            site: Doorman::start(site.address()).await?,
            secure_site: Doorman::start(site.secure(authority).await?).await?,
            dropbox: Doorman::start(dropbox).await?,
            environment: BTreeMap::new(),
            process: None,
        })
    }

    /// What links of people may lead to.
    pub(super) fn allowed(&self) -> String {
        format!("{},{}", self.site.address(), self.secure_site.address())
    }

    /// Starts the proxy with these rules, and Dropbox as the one exception that is its own.
    pub(super) async fn open(&mut self, place: &Path, allow: &str) -> Result<()> {
        let settings = [
            ("egress.proxy_bind", "127.0.0.1:0".to_owned()),
            ("egress.allow", format!("{allow},{}", self.dropbox.address())),
        ];
        self.environment = settings.into_iter().map(|(name, value)| (variable(name), value)).collect();
        self.start(place).await?;
        // It comes back where it was.
        self.environment.insert(variable("egress.proxy_bind"), self.address()?.to_owned());
        Ok(())
    }

    /// Starts it again after [`Exit::stop`].
    pub async fn start(&mut self, place: &Path) -> Result<()> {
        let launch = Launch {
            name: "exit".to_owned(),
            program: binary("sluice")?,
            arguments: vec!["egress-proxy".to_owned()],
            environment: self.environment.clone(),
            announces: true,
        };
        self.process = Some(Process::start(place, launch).await?);
        Ok(())
    }

    /// Stops it with SIGTERM.
    pub async fn stop(&mut self) -> Result<()> {
        self.process.take().context("the proxy does not run")?.stop().await
    }

    /// Where it listens.
    pub fn address(&self) -> Result<&str> {
        let process = self.process.as_ref().context("the proxy does not run")?;
        Ok(process.address().trim_start_matches("http://").trim_end_matches('/'))
    }

    /// Its process.
    pub fn process_id(&self) -> Result<Pid> {
        Ok(self.process.as_ref().context("the proxy does not run")?.group())
    }

    /// Proves that nobody but the proxy has come to the site or to Dropbox, and that it has come to each of these. Gives how often.
    pub fn alone(&self) -> Result<[usize; 3]> {
        let proxy = self.process_id()?;
        let count = |name: &str, doorman: &Doorman| {
            let callers = doorman.callers();
            let is_other = |caller: &&Caller| caller.process != Some(proxy) && !caller.silent;
            let others: Vec<_> = callers.iter().filter(is_other).collect();
            ensure!(others.is_empty(), "{name} was called by others than the proxy ({proxy}): {others:?}");
            Ok(callers.len())
        };
        Ok([
            count("the site", &self.site)?,
            count("the site's TLS", &self.secure_site)?,
            count("Dropbox", &self.dropbox)?,
        ])
    }
}
