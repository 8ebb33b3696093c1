//! `GET /jobs/{id}/thumbnail`: the job's picture, by way of this server.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY},
    web::{Data, Path},
};
use sluice_domain::JobId;

use crate::{error::PageError, state::State, thumbnail::Picture};

/// The handler. Answers without a page: nobody looks at this address by itself.
pub(crate) async fn get(request: HttpRequest, id: Path<String>, state: Data<State>) -> Result<HttpResponse, PageError> {
    let id: JobId = id.parse().map_err(|_| PageError::NotFound)?;
    let Some(visitor) = state.visitor(&request).await? else { return Ok(HttpResponse::NotFound().finish()) };
    let job = state.queue.get(&visitor.account.id, &id).await?;
    let picture = match job.and_then(|job| job.thumbnail) {
        Some(address) => state.thumbnails.fetch(&address).await,
        None => None,
    };
    Ok(shown(picture))
}

/// A picture as a browser may show it, and nothing else.
pub(super) fn shown(picture: Option<Picture>) -> HttpResponse {
    match picture {
        Some(picture) => HttpResponse::Ok()
            .content_type(picture.media_type)
            .insert_header((CACHE_CONTROL, "private, max-age=604800, immutable"))
            .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
            .body(picture.content),
        // Remembered for a while, or every look at the list would ask the site again.
        None => HttpResponse::NotFound().insert_header((CACHE_CONTROL, "private, max-age=300")).finish(),
    }
}
