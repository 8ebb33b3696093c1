//! A known word, sealed, by which a process notices at its start that its `security.secret_key` is not the one of the others. Without it, a wrong key
//! shows only when somebody's Dropbox is needed, and what is sealed meanwhile opens nowhere else.
//!
//! It is checked whenever a process connects, and left by those that migrate, so that looking at Redis changes nothing.

use redis::cmd;
use secrecy::ExposeSecret as _;

use crate::{Connection, Store, StoreError, keyspace::Keyspace, seal::Sealer};

/// What the canary seals.
const WORD: &str = "sluice";

/// Refuses a key that does not open the canary. Where there is none yet, any key is right.
pub(crate) async fn check(connection: &Connection, keys: &Keyspace, sealer: &Sealer) -> Result<(), StoreError> {
    match connection.run::<Option<String>>(cmd("GET").arg(keys.canary())).await? {
        Some(sealed) => opens(sealer, &keys.canary(), &sealed),
        None => Ok(()),
    }
}

/// Leaves the canary where there is none, and seals it with the newest key where it was sealed with one before it.
pub(crate) async fn leave(store: &Store) -> Result<(), StoreError> {
    let (key, sealer) = (store.keys().canary(), store.sealer());
    let mine = sealer.seal(&key, &WORD.into())?;
    // Of many that start at once, one is the first; asked again after a lost reply, it finds its own.
    let theirs: Option<String> = store.connection().run(cmd("SET").arg(&key).arg(&mine).arg("NX").arg("GET")).await?;
    let Some(theirs) = theirs else { return Ok(()) };
    opens(sealer, &key, &theirs)?;
    if sealer.is_newest(&theirs) {
        return Ok(());
    }
    tracing::info!("A new security.secret_key seals from now on");
    store.connection().run(cmd("SET").arg(&key).arg(&mine)).await
}

fn opens(sealer: &Sealer, place: &str, sealed: &str) -> Result<(), StoreError> {
    match sealer.open(place, sealed) {
        Ok(word) if word.expose_secret() == WORD => Ok(()),
        _ => Err(StoreError::WrongKey),
    }
}
