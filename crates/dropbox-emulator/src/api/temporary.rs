//! `files/get_temporary_link`: an address without a token that streams a file for four hours.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use http::StatusCode;
use http::request::Parts;
use serde_json::{Value, json};

use crate::api::argument::{At, PathForm};
use crate::api::caller::Caller;
use crate::api::download::content;
use crate::api::lookup;
use crate::api::refusal::Refusal;
use crate::chance;
use crate::files::account::Account;
use crate::files::node::Node;
use crate::service::Service;
use crate::wire::answer::{Answer, TEXT, answer};

/// Where temporary links begin, after the origin.
pub(crate) const PREFIX: &str = "/cd/0/get/";
const LIFE_SECONDS: i64 = 4 * 60 * 60;
const KEPT: usize = 10_000;

/// The links given out, the oldest first. In memory only: a restart ends them early.
#[derive(Default)]
pub(crate) struct TemporaryLinks(Mutex<VecDeque<Link>>);

#[derive(Clone)]
struct Link {
    name: String,
    account: String,
    id: String,
    until: i64,
}

/// `files/get_temporary_link`
pub(crate) fn get_temporary_link(service: &Service, caller: &Caller, arg: At) -> Result<Value, Refusal> {
    let mut fields = arg.fields()?;
    let path = fields.required("path", |at| at.path(PathForm::Read))?;
    fields.end()?;
    let (key, node) = lookup::file(&mut caller.account.tree(), &caller.account, &path).map_err(|e| e.under("path"))?;
    let address = link(service, &caller.account, &node, &caller.origin);
    Ok(json!({ "metadata": node.plain(&key), "link": address }))
}

/// Makes a link to a file; `origin` is the scheme and host that it begins with.
pub(crate) fn link(service: &Service, account: &Account, node: &Node, origin: &str) -> String {
    let link = Link {
        name: chance::letters(60),
        account: account.id.clone(),
        id: node.id.clone(),
        until: service.clock.seconds() + LIFE_SECONDS,
    };
    let address = format!("{origin}{PREFIX}{}/file", link.name);
    let mut links = service.temporary_links.0.lock().unwrap_or_else(PoisonError::into_inner);
    if links.len() >= KEPT {
        links.pop_front();
    }
    links.push_back(link);
    address
}

/// Answers a request for a temporary link; `path` is what follows [`PREFIX`].
pub(crate) async fn serve(service: &Service, path: &str, head: &Parts) -> Answer {
    let name = path.split('/').next().unwrap_or_default();
    let link = {
        let links = service.temporary_links.0.lock().unwrap_or_else(PoisonError::into_inner);
        links.iter().find(|link| link.name == name && link.until > service.clock.seconds()).cloned()
    };
    let gone = || answer(StatusCode::GONE, TEXT, "This link has expired.");
    let Some(link) = link else { return gone() };
    let Some(account) = service.account(&link.account) else { return gone() };
    let found = tokio::task::block_in_place(|| account.tree().find_id(&link.id));
    match found {
        Ok(Some((_, node))) => {
            content(service, account, &node, head).await.unwrap_or_else(|refusal| refusal.answer(""))
        }
        Ok(None) => gone(),
        Err(error) => Refusal::Broken(error).answer(""),
    }
}
