//! Who calls, proven by a bearer token.

use actix_web::{HttpRequest, http::header::AUTHORIZATION, web::Payload};
use secrecy::{ExposeSecret as _, SecretString};
use sluice_domain::AccountId;
use sluice_store::Scope;

use super::Problem;
use crate::{
    body::{self, MAX_BODY_BYTES},
    limits::Act,
    state::State,
};

/// The account of the token that a request carries, and the token, which must cover what is needed. Counts the call; a token that is
/// not good counts against the address that it comes from.
pub(crate) async fn caller(
    state: &State,
    request: &HttpRequest,
    needed: Scope,
) -> Result<(AccountId, SecretString), Problem> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token: SecretString = header.and_then(bearer).ok_or(Problem::NoToken)?.into();
    let known = state.store.tokens().verify(token.expose_secret()).await?;
    let Some((account, scope)) = known.filter(|(account, _)| state.access.admits(account)) else {
        state.count_address(Act::SignIn, request).await?;
        return Err(Problem::NoToken);
    };
    state.count(Act::Api, &account).await?;
    if scope.covers(needed) { Ok((account, token)) } else { Err(Problem::Scope(needed)) }
}

/// The body of a call, and who calls. Who that is is looked at first: of a stranger's body nothing is kept in memory.
pub(super) async fn caller_with_body(
    state: &State,
    request: &HttpRequest,
    payload: Payload,
    needed: Scope,
) -> Result<(AccountId, Vec<u8>), Problem> {
    match caller(state, request, needed).await {
        Ok((account, _)) => Ok((account, body::read(payload, MAX_BODY_BYTES).await?)),
        Err(problem) => {
            body::skip(payload).await;
            Err(problem)
        }
    }
}

/// The token in `Bearer <token>`; the scheme's case does not matter (RFC 9110, section 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()).then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::bearer;

    #[test]
    fn the_header_is_read() {
        assert_eq!(bearer("Bearer slc_a"), Some("slc_a"));
        assert_eq!(bearer("bearer  slc_a "), Some("slc_a"));
        for bad in ["", "Bearer", "Bearer ", "Basic slc_a", "slc_a"] {
            assert_eq!(bearer(bad), None, "{bad:?}");
        }
    }
}
