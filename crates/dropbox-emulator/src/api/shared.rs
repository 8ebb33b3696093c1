//! Shared links: made, listed, and opened.

use http::StatusCode;
use http::header::CONTENT_DISPOSITION;
use http::request::Parts;
use serde_json::{Value, json};

use crate::api::argument::{At, PathForm};
use crate::api::caller::Caller;
use crate::api::download::content;
use crate::api::lookup;
use crate::api::refusal::{Refusal, nest};
use crate::chance;
use crate::files::account::Account;
use crate::files::listing::Cursor;
use crate::files::node::Node;
use crate::oauth::page;
use crate::service::Service;
use crate::wire::answer::{Answer, html, set};

/// Where shared links begin, after the origin.
pub(crate) const PREFIX: &str = "/scl/";
/// Settings that a basic account may not ask for.
const PAID: [&str; 3] = ["require_password", "link_password", "expires"];
const FREE: [&str; 4] = ["audience", "access", "requested_visibility", "allow_download"];
const LISTED: usize = 2000;

/// `sharing/create_shared_link_with_settings`
pub(crate) fn create(_: &Service, caller: &Caller, arg: At) -> Result<Value, Refusal> {
    let mut fields = arg.fields()?;
    let path = fields.required("path", |at| at.path(PathForm::Write))?;
    let (custom, paid) = match fields.optional("settings", At::fields)? {
        None => (false, false),
        Some(mut settings) => {
            let mut paid = false;
            for name in PAID {
                paid |= settings.optional(name, At::ignored)?.is_some();
            }
            for name in FREE {
                settings.optional(name, At::ignored)?;
            }
            settings.end()?;
            (true, paid)
        }
    };
    fields.end()?;
    if paid {
        return Err(Refusal::nested("settings_error", &json!({ ".tag": "not_authorized" })));
    }
    let mut tree = caller.account.tree();
    let (key, node) = lookup::entry(&mut tree, &caller.account, &path).map_err(|e| e.under("path"))?;
    if let Some(link) = tree.link(&node.id) {
        // With settings of its own the call does not say what it found.
        return Err(if custom {
            Refusal::tag("shared_link_already_exists")
        } else {
            let found = nest("metadata", &describe(caller, &key, &node, link));
            Refusal::nested("shared_link_already_exists", &found)
        });
    }
    let kind = if node.content().is_some() { "fi" } else { "fo" };
    let name: String = url::form_urlencoded::byte_serialize(node.name().replace(' ', "-").as_bytes()).collect();
    let link = format!("{PREFIX}{kind}/{}/{name}?rlkey={}", chance::letters(15), chance::letters(25));
    tree.add_link(&node.id, &link)?;
    Ok(describe(caller, &key, &node, &link))
}

/// `sharing/list_shared_links`
pub(crate) fn list(_: &Service, caller: &Caller, arg: At) -> Result<Value, Refusal> {
    let mut fields = arg.fields()?;
    let path = fields.optional("path", |at| at.path(PathForm::List))?;
    let cursor = fields.optional("cursor", At::text)?;
    fields.optional("direct_only", At::boolean)?;
    fields.end()?;
    if cursor.is_some() {
        // Every list fits its first page, so no cursor was ever given out.
        return Err(Refusal::tag("reset"));
    }
    let mut tree = caller.account.tree();
    let only = match path {
        Some(path) => Some(lookup::entry(&mut tree, &caller.account, &path).map_err(|e| e.under("path"))?.1.id),
        None => None,
    };
    let mut links = Vec::new();
    for (id, link) in tree.links() {
        if only.as_ref().is_none_or(|only| *only == id)
            && links.len() < LISTED
            && let Some((key, node)) = tree.find_id(&id)?
        {
            links.push(describe(caller, &key, &node, &link));
        }
    }
    Ok(json!({ "links": links, "has_more": false }))
}

/// `SharedLinkMetadata`
fn describe(caller: &Caller, key: &str, node: &Node, link: &str) -> Value {
    let url = format!("{}{link}&dl=0", caller.origin);
    let permissions = json!({
        "can_revoke": true, "resolved_visibility": { ".tag": "public" }, "visibility_policies": [],
        "can_set_expiry": false, "can_remove_expiry": false, "allow_download": true, "can_allow_download": true,
        "can_disallow_download": false, "allow_comments": true, "team_restricts_comments": false,
    });
    match node.content() {
        None => json!({
            ".tag": "folder", "url": url, "id": node.id, "name": node.name(), "path_lower": key,
            "link_permissions": permissions,
        }),
        Some(content) => json!({
            ".tag": "file", "url": url, "id": node.id, "name": node.name(), "path_lower": key,
            "link_permissions": permissions,
            "client_modified": content.client_modified, "server_modified": content.server_modified,
            "rev": content.rev, "size": content.size,
        }),
    }
}

/// Answers a request for a shared link.
pub(crate) async fn serve(service: &Service, head: &Parts) -> Answer {
    let nothing = || html(StatusCode::NOT_FOUND, &page::problem("There is nothing at this link any more."));
    match tokio::task::block_in_place(|| open(service, head)) {
        Ok(Some((account, _, node))) if node.content().is_some() => {
            let mut file = content(service, account, &node, head).await.unwrap_or_else(|refusal| refusal.answer(""));
            let name: String = url::form_urlencoded::byte_serialize(node.name().as_bytes()).collect();
            set(&mut file, CONTENT_DISPOSITION, &format!("attachment; filename*=UTF-8''{}", name.replace('+', "%20")));
            file
        }
        Ok(Some((account, key, node))) => folder(account, key, &node).unwrap_or_else(nothing),
        Ok(None) => nothing(),
        Err(refusal) => refusal.answer(""),
    }
}

fn open<'a>(service: &'a Service, head: &Parts) -> Result<Option<(&'a Account, String, Node)>, Refusal> {
    let asked = head.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
    for account in &service.accounts {
        let mut tree = account.tree();
        let found = tree.links().into_iter().find(|(_, link)| asked.strip_prefix(link.as_str()).is_some_and(ends_link));
        if let Some((id, _)) = found {
            return Ok(tree.find_id(&id)?.map(|(key, node)| (account.as_ref(), key, node)));
        }
    }
    Ok(None)
}

fn ends_link(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('&')
}

fn folder(account: &Account, key: String, node: &Node) -> Option<Answer> {
    let page = account.tree().list(Cursor::once(&account.id, key, LISTED)).ok()?;
    let names: Vec<String> = page.entries.iter().map(|(_, node)| node.name().to_owned()).collect();
    Some(html(StatusCode::OK, &page::folder(node.name(), &names)))
}
