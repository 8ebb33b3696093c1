//! The API itself, `/2/...`: which routes there are, who may call them, what they take and answer.

pub(crate) mod append_batch;
pub(crate) mod argument;
pub(crate) mod batch;
pub(crate) mod call;
pub(crate) mod caller;
pub(crate) mod commit_info;
pub(crate) mod download;
pub(crate) mod file_routes;
pub(crate) mod home;
pub(crate) mod lookup;
pub(crate) mod refusal;
pub(crate) mod routes;
pub(crate) mod session_routes;
pub(crate) mod shared;
pub(crate) mod temporary;
pub(crate) mod upload;
pub(crate) mod user_routes;
