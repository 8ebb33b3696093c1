//! The form with links, as it was posted: for sending them, and for looking at them first.

use actix_web::{HttpRequest, web::Payload};
use url::form_urlencoded::Serializer;

use super::random_word;
use crate::{
    body::{Fields, MAX_BODY_BYTES, MAX_STRANGER_BYTES},
    error::PageError,
    state::State,
    view::{Form, Typed},
    visitor::Visitor,
};

pub(super) struct Posted {
    pub(super) fields: Fields,
    pub(super) typed: Typed,
    pub(super) key: String,
}

impl Posted {
    /// The form, and whose it is, proven.
    pub(super) async fn read(
        state: &State,
        request: &HttpRequest,
        payload: Payload,
    ) -> Result<(Self, Visitor), PageError> {
        let visitor = state.visitor(request).await;
        let most = if matches!(visitor, Ok(None)) { MAX_STRANGER_BYTES } else { MAX_BODY_BYTES };
        let posted = Self::of(Fields::read(payload, most).await?);
        let visitor = visitor.map_err(|error| posted.keep(error))?.ok_or_else(|| {
            // The session ended meanwhile: the links wait in the field behind the sign-in.
            let query: String = Serializer::new(String::new()).append_pair("url", posted.typed.text.trim()).finish();
            PageError::signed_out(&format!("/?{query}"))
        })?;
        visitor.check(&posted.fields)?;
        Ok((posted, visitor))
    }

    fn of(fields: Fields) -> Self {
        let field = |name: &str| fields.get(name).to_owned();
        let typed = Typed { text: field("url"), preset: field("preset"), folder: field("folder") };
        let key = form_key(fields.get("key"));
        Self { fields, typed, key }
    }

    /// Not now: the same form again, with all that was typed. Its key makes sure that sending it twice makes one job.
    pub(super) fn keep(&self, error: PageError) -> PageError {
        let form = || {
            let csrf = self.fields.get("csrf").to_owned();
            Some(Box::new(Form::new(csrf, self.key.clone(), self.typed.clone(), None)))
        };
        match error {
            PageError::Unavailable { .. } => PageError::Unavailable { form: form() },
            PageError::TooOften { wait, .. } => PageError::TooOften { wait, form: form() },
            other => other,
        }
    }

    /// One link on each line.
    pub(super) fn lines(&self) -> Vec<&str> {
        lines(&self.typed)
    }
}

/// One link on each line.
pub(super) fn lines(typed: &Typed) -> Vec<&str> {
    typed.text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// The form's own key if it looks like one of ours, else a fresh one.
fn form_key(key: &str) -> String {
    if key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit()) { key.to_owned() } else { random_word() }
}

#[cfg(test)]
mod tests {
    use super::form_key;

    #[test]
    fn a_key_is_ours_or_fresh() {
        assert_eq!(form_key(&"a".repeat(32)), "a".repeat(32));
        assert_ne!(form_key("x"), form_key("x"));
    }
}
