//! Every key of a namespace, in one place.
//!
//! All keys begin with `{namespace}:`. The braces are Redis Cluster's hash tag: one namespace lives in one slot, so that scripts and
//! transactions may touch all of it. The queue's part (`job:`, `backlog:`, `turns`, …) is named in `crates/queue/src/lua/prelude.lua`,
//! because only its scripts touch it.
//!
//! | key | type | what, and for how long |
//! |---|---|---|
//! | `schema` | string | version of the keyspace; for ever |
//! | `schema:lock` | string | who migrates; a minute |
//! | `canary` | string | a known word, sealed: tells a process that its `security.secret_key` is another one; for ever |
//! | `replicated` | string | nothing; written before replicas are waited for (`redis.replicas`); for ever |
//! | `account:<id>` | hash | a person: name, folder, sealed refresh token; until disconnected |
//! | `account:<id>:pause` | string | the account must be left alone; as long as Dropbox asked |
//! | `account:<id>:sessions` | sorted set | hashes of session tokens by their end |
//! | `account:<id>:tokens` | hash | id → hash of each API token |
//! | `session:<hash>` | hash | whose session, CSRF word; 30 days after its last use |
//! | `login:<hash>` | string | a sign-in under way, sealed; ten minutes |
//! | `token:<hash>` | hash | an API token; until revoked |
//! | `limit:<what>:<hash>` | string | when somebody may do all of something again; as long as the rate's period |
//! | `plan:<hash>` | string | what the extractor said about a link, sealed; some minutes |

use std::sync::Arc;

use sluice_domain::AccountId;

use crate::StoreError;

/// The keys of one namespace.
#[derive(Debug, Clone)]
pub(crate) struct Keyspace(Arc<str>);

impl Keyspace {
    pub(crate) fn new(namespace: &str) -> Result<Self, StoreError> {
        let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if namespace.is_empty() || namespace.len() > 64 || !namespace.chars().all(safe) {
            return Err(StoreError::Config(
                "redis.namespace must be 1 to 64 letters, digits, dots, dashes or underscores".into(),
            ));
        }
        Ok(Self(format!("{{{namespace}}}:").into()))
    }

    /// What every key begins with.
    pub(crate) fn prefix(&self) -> &str {
        &self.0
    }

    pub(crate) fn schema(&self) -> String {
        format!("{}schema", self.0)
    }

    pub(crate) fn schema_lock(&self) -> String {
        format!("{}schema:lock", self.0)
    }

    pub(crate) fn canary(&self) -> String {
        format!("{}canary", self.0)
    }

    pub(crate) fn replicated(&self) -> String {
        format!("{}replicated", self.0)
    }

    pub(crate) fn account(&self, id: &AccountId) -> String {
        format!("{}account:{id}", self.0)
    }

    pub(crate) fn account_pause(&self, id: &AccountId) -> String {
        format!("{}account:{id}:pause", self.0)
    }

    pub(crate) fn account_tokens(&self, id: &AccountId) -> String {
        format!("{}account:{id}:tokens", self.0)
    }

    pub(crate) fn session(&self, hash: &str) -> String {
        format!("{}session:{hash}", self.0)
    }

    pub(crate) fn login(&self, hash: &str) -> String {
        format!("{}login:{hash}", self.0)
    }

    pub(crate) fn token(&self, hash: &str) -> String {
        format!("{}token:{hash}", self.0)
    }

    pub(crate) fn limit(&self, what: &str, hash: &str) -> String {
        format!("{}limit:{what}:{hash}", self.0)
    }

    pub(crate) fn plan(&self, hash: &str) -> String {
        format!("{}plan:{hash}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_one_hash_tag() {
        assert_eq!(Keyspace::new("sluice").unwrap().schema(), "{sluice}:schema");
        for bad in ["", "a b", "a}b", "{", "a:b"] {
            assert!(Keyspace::new(bad).is_err(), "{bad:?}");
        }
    }
}
