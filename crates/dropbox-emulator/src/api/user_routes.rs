//! Routes about the account itself.

use serde_json::{Value, json};

use crate::api::argument::At;
use crate::api::caller::Caller;
use crate::api::refusal::Refusal;
use crate::service::Service;

/// `users/get_current_account`
pub(crate) fn current_account(_: &Service, caller: &Caller, _: At) -> Result<Value, Refusal> {
    Ok(caller.account.profile())
}

/// `users/get_space_usage`
pub(crate) fn space_usage(_: &Service, caller: &Caller, _: At) -> Result<Value, Refusal> {
    let (used, allocated) = caller.account.tree().space();
    Ok(json!({ "used": used, "allocation": { ".tag": "individual", "allocated": allocated } }))
}

/// `auth/token/revoke`: ends the connection, with its refresh token and all sibling tokens.
pub(crate) fn revoke(service: &Service, caller: &Caller, _: At) -> Result<Value, Refusal> {
    service.grants.revoke(&caller.token)?;
    Ok(Value::Null)
}
