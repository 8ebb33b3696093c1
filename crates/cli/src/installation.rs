//! The store of this installation, as the commands that look after it need it: the configured one, or that of a running `sluice up`.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result, bail};
use secrecy::{ExposeSecret as _, SecretString};
use sluice_runtime::Settings;
use sluice_store::Store;

use crate::place::{DataDir, Place};

/// Somebody waits in front of the terminal.
const PATIENCE: Duration = Duration::from_secs(3);

/// Settings with what `sluice up` added: its Redis, its key.
pub(crate) struct Installation {
    pub(crate) settings: Settings,
    pub(crate) data: DataDir,
    /// Is the Redis meant that `sluice up` brings?
    pub(crate) private_redis: bool,
}

impl Installation {
    pub(crate) fn open(place: &Place) -> Result<Self> {
        let mut settings = place.settings()?;
        let data = place.data_dir()?;
        let private_redis = settings.redis.url.expose_secret().is_empty();
        if private_redis {
            settings.redis.url = data.redis_url()?.into();
        }
        if settings.security.secret_key.expose_secret().is_empty()
            && let Ok(key) = fs::read_to_string(data.secret_key_file())
        {
            settings.security.secret_key = SecretString::from(key.trim());
        }
        Ok(Self { settings, data, private_redis })
    }

    /// Connects to the store.
    pub(crate) async fn store(&self) -> Result<Store> {
        if self.private_redis && !self.data.redis_socket()?.exists() {
            bail!(
                "nothing runs on the data directory {}: start it with `sluice up`, or set redis.url",
                self.data.root.display()
            );
        }
        if self.settings.security.secret_key.expose_secret().is_empty() {
            bail!("security.secret_key is not set: give the same as the servers have");
        }
        Store::connect(sluice_wiring::store_config(&self.settings, PATIENCE)).await.context("the store cannot be used")
    }
}
