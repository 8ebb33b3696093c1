//! Recorded complaints. Those of single sites are quoted from yt-dlp's extractors, the rest was written by yt-dlp 2026.08.19.

use super::*;

#[track_caller]
fn check(stderr: &str, want: FailureKind) {
    assert_eq!(classify(stderr), want, "{stderr}");
}

#[test]
fn statuses() {
    let said = |status: &str| {
        format!(
            "ERROR: [generic] clip: Unable to download webpage: HTTP Error {status} (caused by <HTTPError {status}>)"
        )
    };
    check(&said("401: Unauthorized"), FailureKind::Private);
    check(&said("403: Forbidden"), FailureKind::SiteBusy);
    check(&said("404: Not Found"), FailureKind::BadLink);
    check(&said("410: Gone"), FailureKind::Removed);
    check(&said("429: Too Many Requests"), FailureKind::SiteBusy);
    check(&said("451: Unavailable For Legal Reasons"), FailureKind::GeoBlocked);
    check(&said("500: Internal Server Error"), FailureKind::SiteBusy);
    check(&said("503: Service Unavailable"), FailureKind::SiteBusy);
    check("ERROR: unable to download video data: HTTP Error 403: Forbidden", FailureKind::SiteBusy);
}

#[test]
fn the_network() {
    check(
        "ERROR: [generic] 127.0.0: Unable to download webpage: HTTPConnection(host='127.0.0.1', port=9): Failed to establish a new connection: [Errno 111] Connection refused (caused by TransportError(\"HTTPConnection(host='127.0.0.1', port=9): Failed to establish a new connection: [Errno 111] Connection refused\"))",
        FailureKind::Network,
    );
    check(
        "ERROR: [generic] nonexist: Unable to download webpage: HTTPConnection(host='nonexist.invalid', port=80): Failed to resolve 'nonexist.invalid' ([Errno -2] Name or service not known) (caused by TransportError(\"…\"))",
        FailureKind::BadLink,
    );
    check(
        "ERROR: [generic] x: Unable to download webpage: HTTPSConnection(host='a.example', port=443): Failed to resolve 'a.example' ([Errno -3] Temporary failure in name resolution)",
        FailureKind::Network,
    );
    check(
        "ERROR: [download] Got error: HTTPConnection(host='site', port=8000): Failed to resolve 'site' ([Errno -2] Name or service not known). Giving up after 3 retries",
        FailureKind::Network,
    );
    check(
        "ERROR: [generic] hang: Unable to download webpage: HTTPConnectionPool(host='127.0.0.1', port=8911): Read timed out. (read timeout=3.0) (caused by TransportError(\"…\"))",
        FailureKind::TimedOut,
    );
    check(
        "ERROR: [generic] 127.0.0: Unable to download webpage: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006) (caused by SSLError('[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)')); please report this issue on  https://github.com/yt-dlp/yt-dlp/issues?q= , filling out the appropriate issue template. Confirm you are on the latest version using  yt-dlp -U",
        FailureKind::Network,
    );
    check(
        "ERROR: [download] Got error: 5000 bytes read, 95000 more expected. Giving up after 1 retries",
        FailureKind::Network,
    );
    check(
        "ERROR: [download] Got error: ('Connection aborted.', RemoteDisconnected('Remote end closed connection without response')). Giving up after 3 retries",
        FailureKind::Network,
    );
    check("ERROR: fragment 3 not found, unable to continue", FailureKind::Network);
}

#[test]
fn what_sites_say() {
    check(
        "ERROR: [youtube] x: Private video. Sign in if you've been granted access to this video",
        FailureKind::Private,
    );
    check(
        "ERROR: [youtube] x: Sign in to confirm your age. This video may be inappropriate for some users.",
        FailureKind::Private,
    );
    check(
        "ERROR: [youtube] x: Join this channel to get access to members-only content like this video, and other exclusive perks.",
        FailureKind::Private,
    );
    check(
        "ERROR: [vimeo] x: This video is only available for registered users. Use --cookies, --cookies-from-browser, --username and --password, --netrc-cmd, or --netrc (vimeo) to provide account credentials",
        FailureKind::Private,
    );
    check(
        "ERROR: [youtube] x: Sign in to confirm you’re not a bot. Use --cookies-from-browser or --cookies for the authentication.",
        FailureKind::SiteBusy,
    );
    check(
        "ERROR: [x] 1: This video is not available from your location due to geo restriction",
        FailureKind::GeoBlocked,
    );
    check(
        "ERROR: [youtube] x: The uploader has not made this video available in your country",
        FailureKind::GeoBlocked,
    );
    check("ERROR: [youtube] x: Video unavailable. This video has been removed by the uploader", FailureKind::Removed);
    check(
        "ERROR: [youtube] x: Video unavailable. This video is no longer available because the YouTube account associated with this video has been terminated.",
        FailureKind::Removed,
    );
    check("ERROR: [youtube] x: This live event will begin in 3 hours.", FailureKind::LiveNotFinished);
    check("ERROR: [youtube] x: Premieres in 20 minutes", FailureKind::LiveNotFinished);
    check("ERROR: [generic] drm: This video is DRM protected", FailureKind::Drm);
    check(
        "ERROR: [crunchyroll] x: The requested site is known to use DRM protection. It will NOT be supported.",
        FailureKind::Drm,
    );
}

#[test]
fn what_yt_dlp_finds() {
    check(
        "WARNING: [generic] Falling back on generic information extractor\nERROR: Unsupported URL: http://127.0.0.1:8911/html",
        FailureKind::UnsupportedSite,
    );
    check("ERROR: [x] 1: No video formats found!; please report this issue", FailureKind::UnsupportedSite);
    check("\n\nERROR: Did not get any data blocks", FailureKind::BadLink);
    check("ERROR: unable to write data: [Errno 28] No space left on device", FailureKind::NoSpool);
}

#[test]
fn where_sites_send_us() {
    check(
        "ERROR: [generic] loop: Unable to download webpage: HTTP Error 302: Found (redirect loop detected) (caused by <HTTPError 302: Found>)",
        FailureKind::BadLink,
    );
    check(
        r#"ERROR: RequestError("No connection adapters were found for 'file:///etc/passwd'")"#,
        FailureKind::UnsupportedSite,
    );
    check(
        "Traceback (most recent call last):\n  File \"yt_dlp/networking/common.py\", line 293, in _check_url_scheme\nyt_dlp.networking.exceptions.UnsupportedRequest: Unsupported url scheme: \"file\"",
        FailureKind::UnsupportedSite,
    );
    check(
        "ERROR: The extracted extension ('x') is unusual and will be skipped for safety reasons.",
        FailureKind::UnsupportedSite,
    );
}

#[test]
fn only_errors_count() {
    check("Traceback (most recent call last):\n  File \"x\", line 1\nMemoryError", FailureKind::PageTooLarge);
    check("ERROR: MemoryError()", FailureKind::PageTooLarge);
    check("WARNING: HTTP Error 404: Not Found", FailureKind::Internal);
    check("ERROR: something new\nWARNING: HTTP Error 404", FailureKind::Internal);
    check("ERROR: something new\n  that goes on: HTTP Error 404", FailureKind::BadLink);
    check("", FailureKind::Internal);
}

#[test]
fn what_the_log_gets_has_no_secret() {
    let failure = complaint("ERROR: Unsupported URL: https://a.example/v?token=secret");
    assert!(!failure.detail.contains("secret"), "{failure}");
    // The generic extractor's "id".
    for id in ["v?token=secret", "u:secret@a", "a b?token=secret"] {
        let failure =
            complaint(&format!("ERROR: [generic] {id}: Unable to download webpage: HTTP Error 404: Not Found"));
        assert_eq!((failure.kind, failure.detail.contains("secret")), (FailureKind::BadLink, false), "{failure}");
    }
}
