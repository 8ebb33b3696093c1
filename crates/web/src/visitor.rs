//! Who is asking, proven by the session cookie; and the proof that a form is theirs.

use actix_web::{HttpRequest, web::Payload};
use secrecy::ExposeSecret as _;
use sha2::{Digest, Sha256};
use sluice_store::{Account, Session, SessionToken};

use crate::{
    body::{self, Fields},
    cookies::Name,
    error::PageError,
    limits::Act,
    state::State,
    view::{Frame, Who},
};

/// Somebody who is signed in.
pub(crate) struct Visitor {
    pub(crate) token: SessionToken,
    pub(crate) session: Session,
    pub(crate) account: Account,
}

impl State {
    /// Who is asking; `None` when nobody is signed in, or somebody who may no longer be.
    pub(crate) async fn visitor(&self, request: &HttpRequest) -> Result<Option<Visitor>, PageError> {
        let Some(token) = Name::Session.read(request, self.place.secure).filter(|token| !token.is_empty()) else {
            return Ok(None);
        };
        let Some(session) = self.store.sessions().get(&token).await? else { return Ok(None) };
        if !self.access.admits(&session.account) {
            return Ok(None);
        }
        if let Some(act) = counted(request) {
            self.count(act, &session.account).await?;
        }
        let account = self.store.accounts().get(&session.account).await?;
        Ok(account.map(|account| Visitor { token: token.into(), session, account }))
    }

    /// Who is asking; whoever is not signed in is asked to do so first, and comes to `return_to` afterwards.
    pub(crate) async fn signed_in(&self, request: &HttpRequest, return_to: &str) -> Result<Visitor, PageError> {
        self.visitor(request).await?.ok_or_else(|| PageError::signed_out(return_to))
    }

    /// A form, and whose it is, proven. Who asks is looked at first: of a stranger's form nothing is kept in memory.
    pub(crate) async fn form(
        &self,
        request: &HttpRequest,
        payload: Payload,
        return_to: &str,
    ) -> Result<(Visitor, Fields), PageError> {
        let visitor = match self.signed_in(request, return_to).await {
            Ok(visitor) => visitor,
            Err(error) => {
                body::skip(payload).await;
                return Err(error);
            }
        };
        let fields = Fields::read(payload, body::MAX_BODY_BYTES).await?;
        visitor.check(&fields)?;
        Ok((visitor, fields))
    }

    /// Is the session still there? While Redis cannot say, it is.
    pub(crate) async fn still_signed_in(&self, token: &SessionToken) -> bool {
        !matches!(self.store.sessions().get(token.expose_secret()).await, Ok(None))
    }

    /// The frame of a page for this visitor.
    pub(crate) async fn frame(&self, visitor: &Visitor) -> Frame {
        let account = &visitor.account;
        let name = match account.display_name.as_str() {
            "" => "Your Dropbox".to_owned(),
            name => format!("{name}’s Dropbox"),
        };
        let free = if account.disconnected { None } else { self.spaces.free(self, account).await };
        Frame::new(self.practice_folder.clone()).of(Who {
            name,
            csrf: visitor.session.csrf.clone(),
            free: free.map(|free| free.to_string()),
            disconnected: account.disconnected,
            operator: self.access.operates(&account.id),
        })
    }
}

impl Visitor {
    /// Does the form carry this session's token? Another site can make a browser post a form, but not know the token.
    pub(crate) fn check(&self, fields: &Fields) -> Result<(), PageError> {
        if same(fields.get("csrf"), &self.session.csrf) { Ok(()) } else { Err(PageError::Stale) }
    }
}

/// Which limit a request of somebody who is signed in falls under. Reading costs nothing, and the way out is always open.
fn counted(request: &HttpRequest) -> Option<Act> {
    match request.path() {
        _ if request.method().is_safe() => None,
        "/logout" => None,
        "/preview" => Some(Act::Preview),
        _ => Some(Act::Form),
    }
}

/// Compares secrets by their hashes, so that the time taken tells nothing about them.
pub(crate) fn same(one: &str, other: &str) -> bool {
    !one.is_empty() && Sha256::digest(one) == Sha256::digest(other)
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn only_the_same_word_is_the_same() {
        assert!(same("word", "word"));
        assert!(!same("word", "work") && !same("", "") && !same("", "word"));
    }
}
