//! Where this installation's settings and data are: the options that every command takes.

use std::path::{Path, PathBuf, absolute};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use sluice_runtime::{Settings, SettingsError};

/// Longest path that fits into a unix socket's address on Linux and macOS, with some room.
const MAX_SOCKET_PATH: usize = 100;

/// The options that say which installation is meant.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// Settings file; it needs only the keys that differ from the defaults
    #[arg(long, global = true, value_name = "FILE", env = "SLUICE_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Where `sluice up` keeps what it makes: Redis, its secret key, the practice Dropbox [default: ~/.local/share/sluice]
    #[arg(long, global = true, value_name = "DIR", env = "SLUICE_DATA_DIR")]
    data_dir: Option<PathBuf>,
}

impl Place {
    pub(crate) fn settings(&self) -> Result<Settings, SettingsError> {
        Settings::load(self.config.as_deref())
    }

    /// The data directory, which need not exist.
    pub(crate) fn data_dir(&self) -> Result<DataDir> {
        let given = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let root = match &self.data_dir {
            Some(dir) => dir.clone(),
            None => match (given("XDG_DATA_HOME"), given("HOME")) {
                (Some(data), _) => data.join("sluice"),
                (None, Some(home)) => home.join(".local/share/sluice"),
                (None, None) => bail!("HOME is not set: say with --data-dir where to keep the data"),
            },
        };
        let root = absolute(&root).with_context(|| format!("{} is no path", root.display()))?;
        Ok(DataDir { root })
    }
}

/// What is where in the data directory.
#[derive(Debug, Clone)]
pub(crate) struct DataDir {
    pub(crate) root: PathBuf,
}

impl DataDir {
    /// Held by the running `sluice up`; says which process that is.
    pub(crate) fn lock_file(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub(crate) fn secret_key_file(&self) -> PathBuf {
        self.root.join("secret.key")
    }

    /// Redis's own folder: the append-only file, which is all there is to back up, besides the secret key.
    pub(crate) fn redis_dir(&self) -> PathBuf {
        self.root.join("redis")
    }

    pub(crate) fn redis_log(&self) -> PathBuf {
        self.root.join("redis.log")
    }

    /// The practice Dropbox: one folder per account.
    pub(crate) fn dropbox_folder(&self) -> PathBuf {
        self.root.join("dropbox")
    }

    pub(crate) fn spool_dir(&self) -> PathBuf {
        self.root.join("spool")
    }

    /// Ready files of this run.
    pub(crate) fn run_dir(&self) -> PathBuf {
        self.root.join("run")
    }

    /// The socket of the private Redis.
    ///
    /// # Errors
    /// When the path is too long to be a socket's address.
    pub(crate) fn redis_socket(&self) -> Result<PathBuf> {
        let socket = self.root.join("redis.sock");
        if socket.as_os_str().len() > MAX_SOCKET_PATH {
            bail!(
                "the data directory's path is too long for a unix socket ({} of at most {MAX_SOCKET_PATH} bytes): \
                 choose a shorter one with --data-dir",
                socket.as_os_str().len()
            );
        }
        Ok(socket)
    }

    pub(crate) fn redis_url(&self) -> Result<String> {
        socket_url(&self.redis_socket()?)
    }
}

/// A socket's path as a `redis+unix:` URL, with what is special in URLs escaped.
fn socket_url(socket: &Path) -> Result<String> {
    match url::Url::from_file_path(socket) {
        Ok(url) => Ok(format!("redis+unix://{}", url.path())),
        Err(()) => bail!("{} is not an absolute path", socket.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(dir: &str) -> DataDir {
        Place { config: None, data_dir: Some(dir.into()) }.data_dir().unwrap()
    }

    #[test]
    fn the_socket_is_a_url() {
        assert_eq!(place("/a b").redis_url().unwrap(), "redis+unix:///a%20b/redis.sock");
        assert!(place("relative").redis_url().unwrap().starts_with("redis+unix:///"));
    }

    #[test]
    fn a_path_too_long_is_said_plainly() {
        let told = place(&format!("/{}", "a".repeat(120))).redis_url().unwrap_err().to_string();
        assert!(told.contains("--data-dir"), "{told}");
    }
}
