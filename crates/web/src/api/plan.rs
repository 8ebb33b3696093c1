//! `/api/v1/plan`: what a link leads to, before anything is queued.

use std::borrow::Cow;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use serde::{Deserialize, Serialize};
use sluice_domain::{FailureKind, JobRequest, Origin, Preset, Route, plan::Container};
use sluice_store::Scope;

use super::{Problem, token::caller_with_body};
use crate::{
    limits::Act,
    preview::{Asker, Kind, Offer, Seen},
    state::State,
};

/// What is asked for, raw.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanIn {
    url: String,
    preset: Option<String>,
}

/// What is there.
#[derive(Serialize)]
struct PlanOut<'a> {
    url: Cow<'a, str>,
    kind: &'static str,
    title: Option<&'a str>,
    thumbnail: Option<&'a str>,
    duration: Option<f64>,
    extractor: &'a str,
    items: Option<u32>,
    items_limit: Option<u32>,
    presets: Vec<OfferOut<'a>>,
    chosen: Option<OfferOut<'a>>,
}

/// One preset.
#[derive(Serialize)]
struct OfferOut<'a> {
    preset: Preset,
    label: &'static str,
    available: bool,
    size: Option<u64>,
    length: &'static str,
    route: Option<Route>,
    container: Option<Container>,
    file_name: Option<String>,
    refusal: Option<RefusalOut<'a>>,
}

#[derive(Serialize)]
struct RefusalOut<'a> {
    kind: FailureKind,
    message: Cow<'a, str>,
}

impl<'a> OfferOut<'a> {
    fn of(offer: &'a Offer) -> Self {
        let plan = offer.plan.as_ref();
        Self {
            preset: offer.preset,
            label: offer.preset.label(),
            available: offer.refusal.is_none(),
            size: offer.length.bytes(),
            length: offer.length.as_str(),
            route: plan.map(|plan| plan.route),
            container: plan.map(|plan| plan.container).filter(|container| *container != Container::AsIs),
            file_name: plan.map(|plan| plan.file_name.to_string()),
            refusal: offer
                .refusal
                .as_ref()
                .map(|refusal| RefusalOut { kind: refusal.kind, message: refusal.message() }),
        }
    }
}

/// `POST /plan`.
pub(super) async fn create(
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let (account, body) = caller_with_body(&state, &request, payload, Scope::Send).await?;
    state.count(Act::Preview, &account).await?;
    let PlanIn { url, preset } = serde_json::from_slice(&body).map_err(|error| Problem::BadJson(error.to_string()))?;
    let account = state.store.accounts().get(&account).await?.ok_or(Problem::NoToken)?;
    let preset = preset.unwrap_or_else(|| account.preset.to_string());
    let asked = JobRequest::parse(&url, Some(&preset), None, None, Origin::Api)?;
    let seen = state.preview(&account, &asked.url, asked.preset, Asker::Program).await?;
    Ok(HttpResponse::Ok().json(told(&asked, &seen)))
}

fn told<'a>(asked: &'a JobRequest, seen: &'a Seen) -> PlanOut<'a> {
    let list = PlanOut {
        url: asked.url.shown(),
        kind: "list",
        title: seen.title.as_deref(),
        thumbnail: seen.thumbnail.as_deref(),
        duration: None,
        extractor: &seen.extractor,
        items: None,
        items_limit: None,
        presets: Vec::new(),
        chosen: None,
    };
    match &seen.kind {
        Kind::Media { duration, offers, .. } => PlanOut {
            kind: "media",
            duration: *duration,
            presets: offers.iter().map(OfferOut::of).collect(),
            chosen: offers.iter().find(|offer| offer.preset == asked.preset).map(OfferOut::of),
            ..list
        },
        Kind::List { announced, limit } => PlanOut { items: *announced, items_limit: Some(*limit), ..list },
    }
}
