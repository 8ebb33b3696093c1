//! One call of the API from the request to the answer: method, host, token, content type, argument, route.

use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Method, StatusCode, Version};
use serde_json::Value;

use crate::api::argument::At;
use crate::api::caller::{Caller, admit, host, origin, query};
use crate::api::refusal::Refusal;
use crate::api::routes::{Route, Rpc, Style, Upload, argument, find};
use crate::api::{append_batch, download, session_routes, upload};
use crate::control::faults::Fault;
use crate::service::Service;
use crate::settings::{EarlyAnswer, RawUtf8Header};
use crate::wire::answer::{Answer, json};
use crate::wire::body::{BodyEnd, RequestBody};
use crate::wire::serve::{Connection, Cut};

/// Largest JSON argument in a body.
const ARGUMENT_BYTES: u64 = 4 * 1024 * 1024;
const HEADER: &str = "HTTP header \"Dropbox-API-Arg\"";
const PARAMETER: &str = "URL parameter \"arg\"";
const BODY: &str = "request body";

/// A request on its way through the emulator.
pub(crate) struct Call {
    pub(crate) head: Parts,
    pub(crate) body: RequestBody,
    pub(crate) connection: Connection,
    /// The fault that struck it.
    pub(crate) fault: Option<Fault>,
}

/// Why a route did not come to its result.
#[derive(Debug)]
pub(crate) enum Stop {
    Refused(Refusal),
    /// Nobody is there to be answered, or nobody is to be.
    Cut,
}

impl<R: Into<Refusal>> From<R> for Stop {
    fn from(refusal: R) -> Self {
        Self::Refused(refusal.into())
    }
}

impl From<BodyEnd> for Stop {
    fn from(end: BodyEnd) -> Self {
        match end {
            BodyEnd::TooLarge => Self::Refused(Refusal::BadCall(format!("{BODY}: too large"))),
            BodyEnd::Cut | BodyEnd::Broken => Self::Cut,
        }
    }
}

/// Answers a call of the route at `path`.
pub(crate) async fn serve(service: &Arc<Service>, path: &str, call: &mut Call) -> Result<Answer, Cut> {
    let Some(route) = find(path) else {
        return Ok(refuse(service, &Refusal::BadRequest(format!("Unknown API function: /2/{path}")), path, call).await);
    };
    match carry_out(service, route, call).await {
        Ok(answer) => Ok(answer),
        Err(Stop::Cut) => Err(Cut),
        Err(Stop::Refused(refusal)) => Ok(refuse(service, &refusal, &route.spelled(), call).await),
    }
}

/// The answer to a refused call. Over HTTP/1.1 the rest of the body is taken off the wire first, unless the switch
/// wants to see what a client makes of it otherwise.
pub(crate) async fn refuse(service: &Service, refusal: &Refusal, route: &str, call: &mut Call) -> Answer {
    if let Refusal::Broken(error) = refusal {
        tracing::error!(route, %error, "A call failed inside the emulator");
    }
    if call.head.version < Version::HTTP_2 && service.switches().early_answer == EarlyAnswer::Drain {
        call.body.drain().await;
    }
    refusal.answer(route)
}

async fn carry_out(service: &Arc<Service>, route: &'static Route, call: &mut Call) -> Result<Answer, Stop> {
    let get = call.head.method == Method::GET && matches!(route.style, Style::Download);
    if call.head.method != Method::POST && !get {
        let text =
            format!("Your request used the HTTP method \"{}\". Here, only \"POST\" is supported.", call.head.method);
        return Err(Refusal::BadCall(text).into());
    }
    check_host(route, &call.head)?;
    let origin = origin(&call.head, call.connection.is_tls);
    let caller = admit(service, &call.head, route.scope, origin, call.fault.clone())?;
    let result = match route.style {
        Style::Rpc(code) => {
            check_type(&call.head, &["application/json"], call.body.announced() == Some(0))?;
            let bytes = call.body.read_all(ARGUMENT_BYTES).await?;
            rpc(service, caller, code, argument(&bytes, BODY)?).await?
        }
        Style::Void(code) => {
            let bytes = call.body.read_all(ARGUMENT_BYTES).await?;
            check_type(&call.head, &["application/json"], bytes.is_empty())?;
            if !bytes.is_empty() && bytes.trim_ascii() != b"null" {
                return Err(Refusal::BadCall(format!("{BODY}: expected null")).into());
            }
            rpc(service, caller, code, At::root(Value::Null)).await?
        }
        Style::Upload(kind) => {
            check_type(&call.head, &["application/octet-stream", "text/plain; charset=dropbox-cors-hack"], false)?;
            let (arg, place) = header_argument(service, &call.head)?;
            upload_route(service, &caller, kind, arg, &mut call.body).await.map_err(|stop| located(stop, place))?
        }
        Style::Download => {
            if call.body.next().await?.is_some() {
                return Err(Refusal::BadCall("The request body is supposed to be empty, but isn't...".into()).into());
            }
            let (arg, place) = header_argument(service, &call.head)?;
            return download::download(service, &caller, arg, &call.head).await.map_err(|stop| located(stop, place));
        }
    };
    Ok(json(StatusCode::OK, &result))
}

/// The real names of the hosts are told apart; a plain address serves both.
fn check_host(route: &Route, head: &Parts) -> Result<(), Refusal> {
    let host = host(head).split(':').next().unwrap_or_default();
    let right = match host {
        "api.dropboxapi.com" => !route.is_content(),
        "content.dropboxapi.com" => route.is_content(),
        _ => true,
    };
    let other = if route.is_content() { "content.dropboxapi.com" } else { "api.dropboxapi.com" };
    if right { Ok(()) } else { Err(Refusal::BadCall(format!("This API function operates on the host {other}."))) }
}

fn check_type(head: &Parts, allowed: &[&str], may_be_missing: bool) -> Result<(), Refusal> {
    let given = head.headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let fits =
        |given: &str| allowed.iter().any(|allowed| given == *allowed || given.starts_with(&format!("{allowed};")));
    match given {
        Some(given) if fits(&given) => Ok(()),
        None if may_be_missing => Ok(()),
        given => Err(Refusal::BadCall(format!(
            "Bad HTTP \"Content-Type\" header: {:?}. Expecting one of {allowed:?}.",
            given.unwrap_or_default()
        ))),
    }
}

/// The argument of a content route, and where it was found.
fn header_argument(service: &Service, head: &Parts) -> Result<(At, &'static str), Refusal> {
    if let Some(value) = head.headers.get("dropbox-api-arg") {
        let raw = value.as_bytes();
        if service.switches().raw_utf8_header == RawUtf8Header::Refuse && !raw.is_ascii() {
            return Err(Refusal::BadCall(format!("{HEADER}: could not decode input as JSON")));
        }
        return Ok((argument(raw, HEADER)?, HEADER));
    }
    match query(head, "arg") {
        Some(text) => Ok((argument(text.as_bytes(), PARAMETER)?, PARAMETER)),
        None => Err(Refusal::BadCall("Must provide HTTP header \"Dropbox-API-Arg\" or URL parameter \"arg\".".into())),
    }
}

async fn rpc(service: &Arc<Service>, caller: Caller, code: Rpc, arg: At) -> Result<Value, Stop> {
    let service = Arc::clone(service);
    match tokio::task::spawn_blocking(move || code(&service, &caller, arg)).await {
        Ok(result) => Ok(result.map_err(|refusal| refusal.located(BODY))?),
        Err(_panicked) => Err(Stop::Cut),
    }
}

async fn upload_route(
    service: &Arc<Service>,
    caller: &Caller,
    kind: Upload,
    arg: At,
    body: &mut RequestBody,
) -> Result<Value, Stop> {
    match kind {
        Upload::File => upload::upload(service, caller, arg, body).await,
        Upload::Start => session_routes::start(service, caller, arg, body).await,
        Upload::Append => session_routes::append(service, caller, arg, body).await,
        Upload::AppendV2 => session_routes::append_v2(service, caller, arg, body).await,
        Upload::AppendBatch => append_batch::append_batch(service, caller, arg, body).await,
        Upload::Finish => session_routes::finish(service, caller, arg, body).await,
    }
}

fn located(stop: Stop, place: &str) -> Stop {
    match stop {
        Stop::Refused(refusal) => Stop::Refused(refusal.located(place)),
        Stop::Cut => Stop::Cut,
    }
}
