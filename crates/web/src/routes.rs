//! Which address leads where.

use actix_web::{HttpResponse, Route, guard, middleware::Compress, web};

use crate::{api, assets, error::PageError, ops, pages};

/// All routes.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config
        .app_data(web::QueryConfig::default().error_handler(|_, _| PageError::NotFound.into()))
        .route("/", look().to(pages::home::get))
        .route("/jobs", web::post().to(pages::send::post))
        .route("/jobs/{id}", look().to(pages::job::get))
        .route("/jobs/{id}/thumbnail", look().to(pages::picture::get))
        .route("/jobs/{id}/{verb}", web::post().to(pages::acts::post))
        .route("/preview", web::post().to(pages::preview::post))
        .route("/preview/picture", look().to(pages::preview::get_picture))
        .route("/save", look().to(pages::save::get))
        .route("/save", web::post().to(pages::save::post))
        .route("/events", web::get().to(pages::events::get))
        .route("/events", web::head().to(pages::events::head))
        .route("/settings", look().to(pages::settings::get))
        .route("/settings", web::post().to(pages::settings::post))
        .route("/settings/tokens", web::post().to(pages::settings::make_token))
        .route("/settings/tokens/{id}/revoke", web::post().to(pages::settings::revoke_token))
        .route("/settings/disconnect", web::post().to(pages::sign_out::disconnect))
        .route("/login", look().to(pages::sign_in::login))
        .route("/oauth/callback", look().to(pages::sign_in::callback))
        .route("/logout", web::post().to(pages::sign_out::logout))
        .route("/operator", look().to(pages::operator::get))
        .route("/operator/live.js", look().to(pages::operator::script))
        .route("/operator/cancel", look().to(pages::operator_acts::ask))
        .route("/operator/{act}", web::post().to(pages::operator_acts::post))
        .route("/healthz", look().to(ops::healthz))
        .route("/readyz", look().to(ops::readyz))
        .route("/metrics", look().to(ops::metrics))
        // Browsers ask for it wherever a page names no icon.
        .route("/favicon.ico", look().to(assets::mark))
        // Only what is the same for everybody is compressed: compressing pages would tell a listener about the tokens in them.
        .service(web::scope("/assets").wrap(Compress::default()).route("/{name}", look().to(assets::serve)))
        .service(web::scope("/api/v1").configure(api::routes))
        .default_service(web::to(nowhere));
}

/// A route for reading: `HEAD` is a `GET` whose body stays at home.
fn look() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

async fn nowhere() -> Result<HttpResponse, PageError> {
    Err(PageError::NotFound)
}
