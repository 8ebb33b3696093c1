//! `/home/<folder>?preview=<name>`: what a person sees who follows a link to a file on dropbox.com.
//!
//! Here it is a plain page with the names in that folder, and a way to the file that was asked for.

use std::sync::Arc;

use http::StatusCode;

use crate::api::argument::PathArg;
use crate::api::call::Call;
use crate::api::caller::{origin, query};
use crate::api::lookup;
use crate::api::temporary;
use crate::files::account::Account;
use crate::files::listing::Cursor;
use crate::oauth::page::{self, View};
use crate::service::Service;
use crate::wire::answer::{Answer, html};

/// Names on one page.
const NAMES: usize = 1000;

/// Answers a request; `folder` is the path behind `/home`, percent-encoded.
pub(crate) fn serve<'a>(service: &'a Service, folder: &str, call: &Call) -> Answer {
    let origin = origin(&call.head, call.connection.is_tls);
    let folder = decoded(folder);
    let preview = query(&call.head, "preview");
    let show = |account: &'a Arc<Account>| view(service, account, &folder, preview.as_deref(), &origin);
    let views: Vec<View> = tokio::task::block_in_place(|| service.accounts.iter().filter_map(show).collect());
    html(StatusCode::OK, &page::home(&folder, &views))
}

/// One account's names in the folder; `None` when it has no such folder.
fn view<'a>(
    service: &Service,
    account: &'a Account,
    folder: &str,
    preview: Option<&str>,
    origin: &str,
) -> Option<View<'a>> {
    let mut tree = account.tree();
    let key = lookup::folder(&mut tree, account, &PathArg::Path(folder.to_owned())).ok()?;
    let page = tree.list(Cursor::once(&account.id, key, NAMES));
    let mut entries: Vec<(String, Option<String>)> = Vec::new();
    for (_, node) in page.ok()?.entries {
        let wanted = node.content().is_some() && preview == Some(node.name());
        let address = wanted.then(|| temporary::link(service, account, &node, origin));
        entries.push((node.name().to_owned(), address));
    }
    entries.sort_unstable();
    let below = service.settings.folder.join(&account.name).join(folder.trim_start_matches('/'));
    let place = std::path::absolute(&below).unwrap_or(below);
    Some(View { account: &account.name, place: place.display().to_string(), entries })
}

fn decoded(folder: &str) -> String {
    percent_encoding::percent_decode_str(folder.trim_end_matches('/')).decode_utf8_lossy().into_owned()
}
