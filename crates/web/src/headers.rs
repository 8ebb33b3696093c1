//! What every answer says to the browser: nothing from elsewhere, nothing inline, nothing framed, nothing kept.

use actix_web::middleware::DefaultHeaders;

/// No source but this server; no inline script or style; no frame around it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The same, for a page that shows a film of ours.
pub(crate) fn policy_with_media() -> String {
    format!("{CONTENT_SECURITY_POLICY}; media-src 'self'")
}

/// The headers; `secure` when people reach the server by https. A handler that sets one of them itself wins.
pub(crate) fn security_headers(secure: bool) -> DefaultHeaders {
    let headers = DefaultHeaders::new()
        .add(("content-security-policy", CONTENT_SECURITY_POLICY))
        .add(("x-content-type-options", "nosniff"))
        .add(("x-frame-options", "DENY"))
        .add(("referrer-policy", "same-origin"))
        .add(("cross-origin-opener-policy", "same-origin"))
        .add(("cross-origin-resource-policy", "same-origin"))
        .add(("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=()"))
        // What one person sees must not lie in a shared or a disk cache.
        .add(("cache-control", "no-store"));
    if secure { headers.add(("strict-transport-security", "max-age=31536000")) } else { headers }
}
