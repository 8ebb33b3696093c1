//! yt-dlp's complaints, turned into kinds of failure: the only place in Sluice that matches on text, because yt-dlp offers nothing else.
//!
//! One table, first match wins, on the lines that begin with `ERROR:` alone. Texts that are not in it become [`FailureKind::Internal`]
//! with the text as detail, so that an operator sees what is missing here.

use std::process::ExitStatus;

use sluice_domain::{Failure, FailureKind};

/// Parts of messages in lower case, most telling first. All parts of a row must occur.
///
/// Sources: the messages of yt-dlp itself (`extractor/common.py`, `networking/exceptions.py`, `YoutubeDL.py`), of its largest extractors, of
/// urllib3 and of Python's sockets; the fixtures in the tests are recorded.
const TABLE: &[(&[&str], FailureKind)] = &[
    // What a site says about a piece. Before HTTP statuses: many sites say it with a 403 or 404.
    (&["drm protected"], FailureKind::Drm),
    (&["drm protection"], FailureKind::Drm),
    (&["this live event will begin"], FailureKind::LiveNotFinished),
    (&["premieres in"], FailureKind::LiveNotFinished),
    (&["premiere will begin"], FailureKind::LiveNotFinished),
    (&["live stream is offline"], FailureKind::LiveNotFinished),
    (&["is not currently live"], FailureKind::LiveNotFinished),
    (&["does not pass filter (!is_live)"], FailureKind::LiveNotFinished),
    (&["live stream recording is not available"], FailureKind::LiveNotFinished),
    (&["confirm you're not a bot"], FailureKind::SiteBusy),
    (&["confirm you’re not a bot"], FailureKind::SiteBusy),
    (&["geo restrict"], FailureKind::GeoBlocked),
    (&["geo-restrict"], FailureKind::GeoBlocked),
    (&["not available in your country"], FailureKind::GeoBlocked),
    (&["not available in your region"], FailureKind::GeoBlocked),
    (&["not available from your location"], FailureKind::GeoBlocked),
    (&["not made this video available in your country"], FailureKind::GeoBlocked),
    (&["blocked it in your country"], FailureKind::GeoBlocked),
    (&["has been removed"], FailureKind::Removed),
    (&["been terminated"], FailureKind::Removed),
    (&["copyright claim"], FailureKind::Removed),
    (&["no longer available"], FailureKind::Removed),
    (&["was deleted"], FailureKind::Removed),
    (&["has been deleted"], FailureKind::Removed),
    (&["private video"], FailureKind::Private),
    (&["video is private"], FailureKind::Private),
    (&["sign in to confirm your age"], FailureKind::Private),
    (&["age-restricted"], FailureKind::Private),
    (&["members-only"], FailureKind::Private),
    (&["available to this channel's members"], FailureKind::Private),
    (&["only available for registered users"], FailureKind::Private),
    (&["--cookies-from-browser"], FailureKind::Private),
    (&["--username and --password"], FailureKind::Private),
    (&["login required"], FailureKind::Private),
    (&["requires authentication"], FailureKind::Private),
    (&["requires payment"], FailureKind::Private),
    (&["video unavailable"], FailureKind::Removed),
    // Where a site sends us that nobody may go, or round in circles.
    (&["redirect loop detected"], FailureKind::BadLink),
    (&["no connection adapters were found"], FailureKind::UnsupportedSite),
    (&["unsupported url scheme"], FailureKind::UnsupportedSite),
    // What our own proxy says of a site that it cannot reach: as a status, or of a tunnel that failed.
    (&["502", "failed to lookup address", "not known"], FailureKind::BadLink),
    (&["502", "failed to lookup address", "no address"], FailureKind::BadLink),
    (&["502", "no address for this name"], FailureKind::Network),
    (&["502", "no connection:"], FailureKind::Network),
    (&["502", "the site broke off:"], FailureKind::Network),
    (&["504", "the site timed out"], FailureKind::TimedOut),
    // HTTP statuses.
    (&["http error 401"], FailureKind::Private),
    (&["http error 402"], FailureKind::Private),
    (&["http error 403"], FailureKind::SiteBusy),
    (&["http error 404"], FailureKind::BadLink),
    (&["http error 410"], FailureKind::Removed),
    (&["http error 451"], FailureKind::GeoBlocked),
    (&["http error 400"], FailureKind::BadLink),
    (&["http error"], FailureKind::SiteBusy),
    // The network. A name that was found a moment ago, for the extraction, is not the link's fault.
    (&["[download] got error", "failed to resolve"], FailureKind::Network),
    (&["name or service not known"], FailureKind::BadLink),
    (&["no address associated with hostname"], FailureKind::BadLink),
    (&["failed to resolve"], FailureKind::Network),
    (&["timed out"], FailureKind::TimedOut),
    (&["connection refused"], FailureKind::Network),
    (&["connection reset"], FailureKind::Network),
    (&["connection aborted"], FailureKind::Network),
    (&["remote end closed connection"], FailureKind::Network),
    (&["network is unreachable"], FailureKind::Network),
    (&["no route to host"], FailureKind::Network),
    (&["bytes read", "more expected"], FailureKind::Network),
    (&["incompleteread"], FailureKind::Network),
    (&["content too short"], FailureKind::Network),
    (&["[ssl:"], FailureKind::Network),
    (&["fragment", "not found"], FailureKind::Network),
    (&["unable to continue"], FailureKind::Network),
    (&["transporterror"], FailureKind::Network),
    // What yt-dlp finds, or does not.
    (&["is unusual and will be skipped for safety reasons"], FailureKind::UnsupportedSite),
    (&["unsupported url"], FailureKind::UnsupportedSite),
    (&["no video formats found"], FailureKind::UnsupportedSite),
    (&["requested format is not available"], FailureKind::UnsupportedSite),
    (&["unable to extract"], FailureKind::UnsupportedSite),
    (&["there is no video"], FailureKind::UnsupportedSite),
    (&["no media found"], FailureKind::UnsupportedSite),
    (&["no video could be found"], FailureKind::UnsupportedSite),
    (&["is not a valid url"], FailureKind::BadLink),
    (&["did not get any data blocks"], FailureKind::BadLink),
    (&["downloaded file is empty"], FailureKind::BadLink),
    // A page that unpacks to more than the child may hold.
    (&["memoryerror"], FailureKind::PageTooLarge),
    // Our side.
    (&["no space left on device"], FailureKind::NoSpool),
    (&["file too large"], FailureKind::NoSpool),
];

/// The kind of what yt-dlp wrote to its standard error.
fn classify(stderr: &str) -> FailureKind {
    let errors = error_lines(stderr).to_lowercase();
    let row = TABLE.iter().find(|(parts, _)| parts.iter().all(|part| errors.contains(part)));
    row.map_or(FailureKind::Internal, |(_, kind)| *kind)
}

/// The failure of a child that ended like this after it had written this.
pub(crate) fn failure_of(stderr: &str, status: ExitStatus) -> Failure {
    failure(stderr, &format!("{status}: "))
}

/// The failure that yt-dlp itself reports in words.
pub(crate) fn complaint(stderr: &str) -> Failure {
    failure(stderr, "")
}

fn failure(stderr: &str, status: &str) -> Failure {
    let errors = error_lines(stderr);
    let detail = if errors.trim().is_empty() { stderr } else { &errors };
    Failure::new(classify(stderr), format!("{status}{}", detail.trim()))
}

/// From each `ERROR:`, or exception of yt-dlp that nobody caught, to the next warning: some messages go on for several lines.
fn error_lines(stderr: &str) -> String {
    let mut inside = false;
    let kept = stderr.lines().filter(|line| {
        let begins = ["ERROR:", "yt_dlp.", "MemoryError"].iter().any(|begin| line.starts_with(begin));
        inside = begins || (inside && !line.starts_with("WARNING:"));
        inside
    });
    kept.map(without_link).collect::<Vec<_>>().join("\n")
}

/// What the generic extractor takes for an id is the end of the link, with its query and its password: nothing for a log.
fn without_link(line: &str) -> &str {
    let said = line.strip_prefix("ERROR: [generic] ").and_then(|rest| rest.split_once(": "));
    said.map_or(line, |(_, said)| said)
}

#[cfg(test)]
mod tests;
