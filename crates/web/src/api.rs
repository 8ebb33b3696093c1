//! `/api/v1`: the same jobs for programs. Bearer tokens, JSON, and problems as RFC 9457 says.

mod attempt_out;
mod events;
mod job_out;
mod jobs;
mod plan;
mod problem;
mod token;

use std::future::ready;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, Data, Payload},
};
use sluice_store::Scope;

use crate::{
    pages::{save, save_and_send::save_both},
    state::State,
};
pub(crate) use job_out::JobOut;
pub(crate) use problem::Problem;
pub(crate) use token::caller;
use token::caller_with_body;

/// The description of the interface, written by hand and held to the truth by a test.
const OPENAPI: &str = include_str!("../assets/openapi.json");

/// The routes.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config
        .app_data(
            web::QueryConfig::default().error_handler(|_, _| Problem::BadQuery("The query is not understood.").into()),
        )
        .route("/openapi.json", web::get().to(description))
        .service(
            web::resource("/jobs")
                .route(web::get().to(jobs::list))
                .route(web::post().to(jobs::create))
                .default_service(web::to(|| no_method("GET, POST"))),
        )
        .service(
            web::resource("/jobs/{id}")
                .route(web::get().to(jobs::get))
                .route(web::delete().to(jobs::delete))
                .default_service(web::to(|| no_method("DELETE, GET"))),
        )
        .service(
            web::resource("/jobs/{id}/items")
                .route(web::get().to(jobs::items))
                .default_service(web::to(|| no_method("GET"))),
        )
        .service(
            web::resource("/jobs/{id}/pause")
                .route(web::post().to(jobs::pause))
                .default_service(web::to(|| no_method("POST"))),
        )
        .service(
            web::resource("/jobs/{id}/resume")
                .route(web::post().to(jobs::resume))
                .default_service(web::to(|| no_method("POST"))),
        )
        .service(
            web::resource("/jobs/{id}/cancel")
                .route(web::post().to(jobs::cancel))
                .default_service(web::to(|| no_method("POST"))),
        )
        .service(
            web::resource("/jobs/{id}/retry")
                .route(web::post().to(jobs::retry))
                .default_service(web::to(|| no_method("POST"))),
        )
        .service(
            web::resource("/plan").route(web::post().to(plan::create)).default_service(web::to(|| no_method("POST"))),
        )
        .service(
            web::resource("/save")
                .route(web::get().to(save::get_by_token))
                .route(web::head().to(save::get_by_token))
                .route(web::post().to(save_and_send))
                .default_service(web::to(|| no_method("GET, HEAD, POST"))),
        )
        .route("/events", web::get().to(events::get))
        .default_service(web::to(nowhere));
}

/// `POST /save`: what `POST /jobs` takes; the answer is the file.
async fn save_and_send(request: HttpRequest, payload: Payload, state: Data<State>) -> Result<HttpResponse, Problem> {
    let (account, body) = caller_with_body(&state, &request, payload, Scope::Send).await?;
    let asked = jobs::requested(&state, &account, &body).await?;
    save_both(&request, &state, &account, &asked).await
}

async fn description() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(OPENAPI)
}

async fn nowhere() -> Result<HttpResponse, Problem> {
    Err(Problem::NotFound)
}

fn no_method(allowed: &'static str) -> impl Future<Output = Result<HttpResponse, Problem>> {
    ready(Err(Problem::NoMethod { allowed }))
}
