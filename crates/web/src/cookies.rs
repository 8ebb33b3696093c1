//! The two cookies: the session, and the binding of a sign-in to the browser that began it.

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time::Duration},
};

/// How long a browser keeps the session cookie: as long as an unused session lives in the store.
const SESSION_AGE: Duration = Duration::days(30);
/// How long a sign-in may take.
const LOGIN_AGE: Duration = Duration::minutes(10);

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// The session's token.
    Session,
    /// The secret that binds a sign-in to this browser.
    Login,
}

impl Name {
    /// The name on the wire. Over https the prefix makes browsers refuse a cookie that another host or plain http planted.
    fn on_wire(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Session, true) => "__Host-sluice_session",
            (Self::Session, false) => "sluice_session",
            (Self::Login, true) => "__Host-sluice_login",
            (Self::Login, false) => "sluice_login",
        }
    }

    /// The value that the browser sent.
    pub(crate) fn read(self, request: &HttpRequest, secure: bool) -> Option<String> {
        request.cookie(self.on_wire(secure)).map(|cookie| cookie.value().to_owned())
    }

    /// A cookie to set. `Lax`, because the way back from Dropbox is a navigation from another site.
    pub(crate) fn set(self, value: String, secure: bool) -> Cookie<'static> {
        let age = match self {
            Self::Session => SESSION_AGE,
            Self::Login => LOGIN_AGE,
        };
        let cookie = Cookie::build(self.on_wire(secure), value).path("/").http_only(true).same_site(SameSite::Lax);
        cookie.secure(secure).max_age(age).finish()
    }

    /// The same cookie, to be forgotten.
    pub(crate) fn clear(self, secure: bool) -> Cookie<'static> {
        let mut cookie = self.set(String::new(), secure);
        cookie.make_removal();
        cookie
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_stay_where_they_belong() {
        let check = |secure, want: &str| assert_eq!(Name::Session.set("t".to_owned(), secure).to_string(), want);
        check(true, "__Host-sluice_session=t; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=2592000");
        check(false, "sluice_session=t; HttpOnly; SameSite=Lax; Path=/; Max-Age=2592000");
    }
}
