//! The pages and forms, one module for each place.

pub(crate) mod acts;
pub(crate) mod events;
pub(crate) mod home;
pub(crate) mod items;
pub(crate) mod job;
pub(crate) mod operator;
pub(crate) mod operator_acts;
pub(crate) mod picture;
mod posted;
pub(crate) mod preview;
pub(crate) mod rows;
pub(crate) mod save;
pub(crate) mod save_and_send;
pub(crate) mod send;
pub(crate) mod settings;
pub(crate) mod sign_in;
pub(crate) mod sign_out;

use actix_web::{HttpResponse, http::StatusCode, http::header::LOCATION};
use askama::Template;

use crate::error::PageError;

/// A page.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Result<HttpResponse, PageError> {
    Ok(HttpResponse::build(status).content_type("text/html; charset=utf-8").body(template.render()?))
}

/// After a form: go there and read it, so that reloading repeats nothing.
pub(crate) fn see(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, path)).finish()
}

/// A fresh random word, in hex.
pub(crate) fn random_word() -> String {
    hex::encode(rand::random::<[u8; 16]>())
}
