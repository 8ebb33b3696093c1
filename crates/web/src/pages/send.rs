//! `POST /jobs`: the form. One line, one job; all lines are parsed before the first is accepted. What the person has already is asked about.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Payload},
};
use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sluice_domain::{AccountId, BadRequest, BadUrl, Job, JobRequest, Origin};
use sluice_queue::{Enqueued, QueueError};

use super::{
    home::{Said, home},
    page,
    posted::{Posted, lines},
    random_word, see,
};
use crate::{
    error::PageError,
    known,
    state::State,
    view::{Duplicates, Fault, Known, Typed, others},
};

/// Files that are looked for at Dropbox at once.
const LOOKS_AT_ONCE: usize = 8;
/// The most links that are taken at once.
const MAX_LINES: usize = 100;

/// The handler.
pub(crate) async fn post(
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse, PageError> {
    let (posted, visitor) = Posted::read(&state, &request, payload).await?;
    let kept = |error: PageError| posted.keep(error);
    let (typed, key) = (&posted.typed, &posted.key);
    let requests = match requests(typed, key) {
        Ok(requests) => requests,
        Err(fault) => {
            let said = Said { fault: Some(fault), ..Said::default() };
            let home = home(&state, &visitor, typed.clone(), key.clone(), said, None).await.map_err(kept)?;
            return page(StatusCode::UNPROCESSABLE_ENTITY, &home);
        }
    };
    let force = posted.fields.get("force") == "1";
    let requests: Vec<_> = requests.into_iter().map(|request| request.forced(force)).collect();
    let had = match send(&state, &visitor.account.id, requests).await {
        Ok(had) => had,
        Err(full @ QueueError::Full { .. }) => {
            let fault = Some(Fault { field: "url", message: full.to_string() });
            let said = Said { fault, ..Said::default() };
            let home = home(&state, &visitor, typed.clone(), key.clone(), said, None).await.map_err(kept)?;
            return page(StatusCode::TOO_MANY_REQUESTS, &home);
        }
        Err(error) => return Err(kept(error.into())),
    };
    if had.known.is_empty() {
        return Ok(see("/"));
    }
    // All links of this form are dealt with: the form is a fresh one, with the same choices.
    let duplicates = Duplicates {
        links: had.known.iter().map(|(request, job)| Known::of(request.url.to_string(), job)).collect(),
        sent: others(had.sent),
        csrf: visitor.session.csrf.clone(),
        key: random_word(),
        preset: typed.preset.clone(),
        folder: typed.folder.clone(),
    };
    let typed = Typed { text: String::new(), ..typed.clone() };
    let said = Said { had: Some(duplicates), ..Said::default() };
    page(StatusCode::OK, &home(&state, &visitor, typed, random_word(), said, None).await.map_err(kept)?)
}

/// What became of the links of a form.
struct Had {
    /// How many are on their way.
    sent: usize,
    /// Those that the person has already, each with the job that stands for it.
    known: Vec<(JobRequest, Job)>,
}

/// Sends all links that the person does not have yet. A file that was sent once and is there no more is sent again without a question.
async fn send(state: &State, account: &AccountId, requests: Vec<JobRequest>) -> Result<Had, QueueError> {
    let mut sent = 0;
    let mut duplicates = Vec::new();
    for request in requests {
        match state.queue.enqueue(account, request.clone(), Timestamp::now()).await? {
            Enqueued::New(_) | Enqueued::Existed(_) => sent += 1,
            Enqueued::Duplicate(job) => duplicates.push((request, job)),
        }
    }
    let deadline = known::deadline();
    let looks = stream::iter(duplicates).map(async |(request, job)| {
        let there = state.still_has(&job, deadline).await;
        (request, job, there)
    });
    let mut known = Vec::new();
    for (request, job, there) in looks.buffered(LOOKS_AT_ONCE).collect::<Vec<_>>().await {
        if there {
            known.push((request, job));
        } else {
            state.queue.enqueue(account, request.forced(true), Timestamp::now()).await?;
            sent += 1;
        }
    }
    Ok(Had { sent, known })
}

/// One request for each line, or what is wrong with the first bad one.
pub(super) fn requests(typed: &Typed, key: &str) -> Result<Vec<JobRequest>, Fault> {
    let lines = lines(typed);
    if lines.is_empty() {
        return Err(Fault { field: "url", message: BadUrl::Empty.to_string() });
    }
    if lines.len() > MAX_LINES {
        return Err(Fault { field: "url", message: format!("Paste at most {MAX_LINES} links at once.") });
    }
    let several = lines.len() > 1;
    let parse = |(number, line): (usize, &&str)| {
        // The key names the form and what it asks for: a form that comes back with another link is another job.
        let asked = hex::encode(Sha256::digest(format!("{line}\n{}\n{}", typed.preset, typed.folder)));
        let key = format!("form-{key}-{}", &asked[..16]);
        let (preset, folder) = (Some(typed.preset.as_str()), Some(typed.folder.as_str()));
        JobRequest::parse(line, preset, folder, Some(&key), Origin::Page).map_err(|bad| {
            let field = match bad {
                BadRequest::Url(_) | BadRequest::IdempotencyKey => "url",
                BadRequest::Preset(_) => "preset",
                BadRequest::Folder(_) => "folder",
            };
            let message =
                if several && field == "url" { format!("Line {}: {bad}", number + 1) } else { bad.to_string() };
            Fault { field, message }
        })
    };
    lines.iter().enumerate().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str, preset: &str, folder: &str) -> Typed {
        Typed { text: text.to_owned(), preset: preset.to_owned(), folder: folder.to_owned() }
    }

    #[track_caller]
    fn check(typed: &Typed, want: Result<&[&str], (&'static str, &str)>) {
        let got = requests(typed, "k").map(|all| all.iter().map(|request| request.url.to_string()).collect::<Vec<_>>());
        let want = want.map(|links| links.iter().map(|link| (*link).to_owned()).collect());
        let want = want.map_err(|(field, message)| Fault { field, message: message.to_owned() });
        assert_eq!(got, want);
    }

    #[test]
    fn one_line_is_one_job() {
        check(&typed(" https://a.example/v \r\n", "", ""), Ok(&["https://a.example/v"]));
        check(
            &typed("https://a.example/\r\n\r\nhttps://b.example/\n", "720p", "/x"),
            Ok(&["https://a.example/", "https://b.example/"]),
        );
    }

    #[test]
    fn what_is_wrong_is_said_beside_its_field() {
        check(&typed("", "", ""), Err(("url", "Paste a link first.")));
        check(
            &typed("ftp://a.example", "", ""),
            Err(("url", "Only https:// and http:// links can be fetched, not ftp: links.")),
        );
        check(
            &typed("https://a.example\nhello", "", ""),
            Err(("url", "Line 2: That does not look like a link. It should start with https:// or http://.")),
        );
        check(&typed(&"https://a.example\n".repeat(101), "", ""), Err(("url", "Paste at most 100 links at once.")));
        assert_eq!(requests(&typed("https://a.example", "gif", ""), "k").unwrap_err().field, "preset");
        assert_eq!(requests(&typed("https://a.example", "", "/a/../b"), "k").unwrap_err().field, "folder");
    }

    #[test]
    fn the_same_form_makes_the_same_job() {
        let key =
            |text: &str, preset: &str| requests(&typed(text, preset, "/"), "k").unwrap()[0].idempotency_key.clone();
        assert_eq!(key("https://a.example", "best"), key(" https://a.example", "best"));
        assert_ne!(key("https://a.example", "best"), key("https://b.example", "best"));
        assert_ne!(key("https://a.example", "best"), key("https://a.example", "720p"));
    }
}
