//! The table of routes: path, style, scope, code.

use serde_json::Value;

use crate::api::argument::{At, BadArgument};
use crate::api::caller::Caller;
use crate::api::refusal::Refusal;
use crate::api::{batch, file_routes, shared, temporary, user_routes};
use crate::service::Service;

/// Code of an rpc route. Blocking, so it runs off the async threads.
pub(crate) type Rpc = fn(&Service, &Caller, At) -> Result<Value, Refusal>;

/// One route of the API.
pub(crate) struct Route {
    /// As in the address, without `/2/`.
    pub(crate) path: &'static str,
    /// What the token must allow.
    pub(crate) scope: Option<&'static str>,
    pub(crate) style: Style,
}

/// How argument and result travel.
#[derive(Clone, Copy)]
pub(crate) enum Style {
    /// Host api; JSON in, JSON out.
    Rpc(Rpc),
    /// As rpc, without an argument.
    Void(Rpc),
    /// Host content; the argument in a header, bytes in.
    Upload(Upload),
    /// Host content; the argument in a header, bytes out.
    Download,
}

/// The routes that take bytes.
#[derive(Clone, Copy)]
pub(crate) enum Upload {
    File,
    Start,
    Append,
    AppendV2,
    AppendBatch,
    Finish,
}

const READ: Option<&str> = Some("files.content.read");
const WRITE: Option<&str> = Some("files.content.write");
const METADATA: Option<&str> = Some("files.metadata.read");
const ACCOUNT: Option<&str> = Some("account_info.read");

const fn route(path: &'static str, scope: Option<&'static str>, style: Style) -> Route {
    Route { path, scope, style }
}

static ROUTES: [Route; 22] = [
    route("auth/token/revoke", None, Style::Void(user_routes::revoke)),
    route("users/get_current_account", ACCOUNT, Style::Void(user_routes::current_account)),
    route("users/get_space_usage", ACCOUNT, Style::Void(user_routes::space_usage)),
    route("files/upload", WRITE, Style::Upload(Upload::File)),
    route("files/upload_session/start", WRITE, Style::Upload(Upload::Start)),
    route("files/upload_session/start_batch", WRITE, Style::Rpc(batch::start_batch)),
    route("files/upload_session/append", WRITE, Style::Upload(Upload::Append)),
    route("files/upload_session/append_v2", WRITE, Style::Upload(Upload::AppendV2)),
    route("files/upload_session/append_batch", WRITE, Style::Upload(Upload::AppendBatch)),
    route("files/upload_session/finish", WRITE, Style::Upload(Upload::Finish)),
    route("files/upload_session/finish_batch", WRITE, Style::Rpc(batch::finish_batch)),
    route("files/upload_session/finish_batch_v2", WRITE, Style::Rpc(batch::finish_batch_v2)),
    route("files/upload_session/finish_batch/check", WRITE, Style::Rpc(batch::check)),
    route("files/get_metadata", METADATA, Style::Rpc(file_routes::get_metadata)),
    route("files/list_folder", METADATA, Style::Rpc(file_routes::list_folder)),
    route("files/list_folder/continue", METADATA, Style::Rpc(file_routes::list_folder_continue)),
    route("files/create_folder_v2", WRITE, Style::Rpc(file_routes::create_folder_v2)),
    route("files/delete_v2", WRITE, Style::Rpc(file_routes::delete_v2)),
    route("files/download", READ, Style::Download),
    route("files/get_temporary_link", READ, Style::Rpc(temporary::get_temporary_link)),
    route("sharing/create_shared_link_with_settings", Some("sharing.write"), Style::Rpc(shared::create)),
    route("sharing/list_shared_links", Some("sharing.read"), Style::Rpc(shared::list)),
];

/// The route at this path.
pub(crate) fn find(path: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.path == path)
}

impl Route {
    /// The name that texts use: `files/upload_session/append:2`.
    pub(crate) fn spelled(&self) -> String {
        self.path.strip_suffix("_v2").map_or_else(|| self.path.to_owned(), |name| format!("{name}:2"))
    }

    /// Whether the route lives on the content host.
    pub(crate) fn is_content(&self) -> bool {
        matches!(self.style, Style::Upload(_) | Style::Download)
    }
}

/// Reads an argument out of JSON text; `place` names where it was found.
pub(crate) fn argument(json: &[u8], place: &str) -> Result<At, Refusal> {
    let decoded = serde_json::from_slice(json).map_err(|_| BadArgument("could not decode input as JSON".into()));
    Ok(At::root(decoded.map_err(|bad| Refusal::from(bad).located(place))?))
}
