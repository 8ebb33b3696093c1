//! Sign-in: the consent page, codes, and tokens.

pub(crate) mod authorize;
pub(crate) mod codes;
pub(crate) mod grants;
pub(crate) mod page;
pub(crate) mod token;

/// What an app may be allowed to do. An app that names no scopes gets all of them.
pub(crate) const SCOPES: [&str; 8] = [
    "account_info.read",
    "files.content.read",
    "files.content.write",
    "files.metadata.read",
    "files.metadata.write",
    "sharing.read",
    "sharing.write",
    "file_requests.read",
];
