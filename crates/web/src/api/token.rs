//! Who calls, proven by a bearer token.

use actix_web::{HttpRequest, http::header::AUTHORIZATION};
use secrecy::{ExposeSecret as _, SecretString};
use sluice_domain::AccountId;

use super::Problem;
use crate::state::State;

/// The account of the token that a request carries, and the token.
pub(crate) async fn caller(state: &State, request: &HttpRequest) -> Result<(AccountId, SecretString), Problem> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token: SecretString = header.and_then(bearer).ok_or(Problem::NoToken)?.into();
    let account = state.store.tokens().verify(token.expose_secret()).await?;
    let account = account.filter(|account| state.access.admits(account)).ok_or(Problem::NoToken)?;
    Ok((account, token))
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
