//! Forms of other sites are turned away before anything else looks at them. The CSRF token in every form would stop them too: this is the
//! wall in front of the wall, and it also holds for a sibling (`other.example.org`), whose cookies and forms count as "same site".
//!
//! The API is left out: it takes no cookie, so a foreign page has nothing to send along.

use actix_web::{
    Error, ResponseError as _,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HOST, HeaderMap, ORIGIN},
    middleware::Next,
};

use crate::{error::PageError, place::Place, state::State};

/// Below this, only bearer tokens count.
const API: &str = "/api/";

/// The middleware.
pub(crate) async fn own_forms_only(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let changes = !request.method().is_safe() && !request.path().starts_with(API);
    if changes {
        let place = request.app_data::<actix_web::web::Data<State>>().map(|state| &state.place);
        if place.is_none_or(|place| is_foreign(request.headers(), place)) {
            // An answer, not an error: what every answer says to the browser is added to it further out.
            return Ok(request.into_response(PageError::Stale.error_response()).map_into_right_body());
        }
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// Does the browser say that another site made it send this? Older browsers and programs say nothing; for them the token in the form counts.
fn is_foreign(headers: &HeaderMap, place: &Place) -> bool {
    let said = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    // `none` is a person's own doing, such as a reload.
    if said("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return true;
    }
    let Some(origin) = said(ORIGIN.as_str()) else { return false };
    // By another name of the same server, such as `localhost`: the browser then names that one in both headers, which a foreign page cannot.
    let here = said(HOST.as_str()).is_some_and(|host| origin.split_once("://").is_some_and(|(_, from)| from == host));
    !here && origin != place.public_url
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    #[track_caller]
    fn check(headers: &[(&'static str, &'static str)], want: bool) {
        let map = headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let place = Place::new("https://sluice.example");
        assert_eq!(is_foreign(&map.collect(), &place), want, "{headers:?}");
    }

    #[test]
    fn forms_of_others_are_told_apart() {
        check(&[], false);
        check(&[("origin", "https://sluice.example")], false);
        check(&[("origin", "https://sluice.example"), ("host", "10.0.0.7:8080")], false);
        check(&[("origin", "http://localhost:8080"), ("host", "localhost:8080")], false);
        check(&[("sec-fetch-site", "same-origin"), ("origin", "https://sluice.example")], false);
        check(&[("sec-fetch-site", "none")], false);
        check(&[("sec-fetch-site", "cross-site")], true);
        check(&[("sec-fetch-site", "same-site"), ("origin", "https://sluice.example")], true);
        check(&[("origin", "https://other.sluice.example"), ("host", "sluice.example")], true);
        check(&[("origin", "https://sluice.example.evil.example")], true);
        check(&[("origin", "null"), ("host", "sluice.example")], true);
        check(&[("origin", "https://evil.example"), ("host", "sluice.example")], true);
    }
}
