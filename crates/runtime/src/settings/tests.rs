//! Precedence, faults and secrets, as data.

use std::time::Duration;

use sluice_domain::ByteSize;

use super::{layers::Layers, *};

fn load(file: &str, environment: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Settings::from_text(file, environment)
}

#[track_caller]
fn faults(file: &str, environment: &[(&str, &str)], want: &[&str]) {
    let error = load(file, environment).expect_err("these settings are bad");
    let told = error.to_string();
    assert_eq!(error.faults.len(), want.len(), "{told}");
    for part in want {
        assert!(told.contains(part), "{part:?} is missing: {told}");
    }
}

#[test]
fn the_defaults_are_settings() {
    let settings = load("", &[]).unwrap();
    assert_eq!(settings.limits.domain(), sluice_domain::Limits::default());
    assert_eq!(settings.server.public_url("127.0.0.1:1".parse().unwrap()), "http://127.0.0.1:1");
    assert!(settings.dropbox.app_secret().is_none() && settings.worker.health_bind.is_none());
    assert!(settings.worker.spool_dir.ends_with("sluice-spool"));
}

#[test]
fn every_default_has_its_comment() {
    let mut commented = false;
    for line in DEFAULTS.lines() {
        match line.chars().next() {
            Some('#') => commented = true,
            // A key without a comment of its own shares the comment above the keys before it.
            Some(c) if c.is_ascii_lowercase() => assert!(commented, "{line}"),
            _ => commented = false,
        }
    }
}

#[test]
fn later_layers_win() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    std::fs::write(&path, "from-a-file\n").unwrap();
    let path = path.to_str().unwrap();
    let file = "[limits]\nuser_running = 7\nattempts = 7\n[dropbox]\napp_secret = 'from-toml'";
    let secret = |settings: Settings| settings.dropbox.app_secret().unwrap().expose_secret().to_owned();

    let settings = load(file, &[("SLUICE__LIMITS__ATTEMPTS", "9")]).unwrap();
    assert_eq!((settings.limits.user_queued, settings.limits.user_running, settings.limits.attempts), (1000, 7, 9));
    assert_eq!(secret(settings), "from-toml");
    let variable = ("SLUICE__DROPBOX__APP_SECRET", "from-a-variable");
    assert_eq!(secret(load(file, &[variable]).unwrap()), "from-a-variable");
    assert_eq!(secret(load(file, &[variable, ("SLUICE__DROPBOX__APP_SECRET_FILE", path)]).unwrap()), "from-a-file");
    assert_eq!(load(file, &[("SLUICE__LIMITS__ATTEMPTS", "")]).unwrap().limits.attempts, 7);
}

#[test]
fn variables_become_types() {
    let settings = load(
        "[limits]\nmax_file_bytes = 1000",
        &[
            ("SLUICE__EGRESS__ALLOW", "127.0.0.1:8000, 10.0.0.0/8,"),
            ("SLUICE__LIMITS__JOB_TIMEOUT", "90s"),
            ("SLUICE__WORKER__SPOOL_BYTES", "2 GiB"),
            ("SLUICE__WORKER__HEALTH_BIND", "127.0.0.1:0"),
            ("SLUICE__LOG__FORMAT", "json"),
            ("SLUICE__DROPBOX__API_URL", "http://127.0.0.1:9/"),
            ("SLUICE__ACCESS__ACCOUNTS", "dbid:ada"),
        ],
    )
    .unwrap();
    let allowed: Vec<_> = settings.egress.allow.iter().map(ToString::to_string).collect();
    assert_eq!(allowed, ["127.0.0.1:8000", "10.0.0.0/8"]);
    assert!(settings.egress.ports.iter().any(|range| range.contains(443)));
    assert_eq!(settings.limits.job_timeout, Duration::from_secs(90));
    assert_eq!((settings.limits.max_file_bytes, settings.worker.spool_bytes), (ByteSize(1000), ByteSize(2 << 30)));
    assert_eq!((settings.log.format, settings.dropbox.api_url.as_str()), (LogFormat::Json, "http://127.0.0.1:9"));
    assert!(settings.access.admits(&"dbid:ada".parse().unwrap()));
    assert!(!settings.access.admits(&"dbid:ben".parse().unwrap()));
}

#[test]
fn a_rule_that_opens_nothing_in_particular_is_a_fault() {
    faults("[egress]\nallow = ['10.0.0.0/40']", &[], &["egress.allow: \"10.0.0.0/40\" is neither a network"]);
    faults("", &[("SLUICE__EGRESS__ALLOW", "nas.lan")], &["egress.allow: \"nas.lan\" is neither a network"]);
    faults("[egress]\nports = ['http']", &[], &["egress.ports: \"http\" is neither a port"]);
}

#[test]
fn a_way_out_is_a_proxy_and_the_proxy_has_none() {
    assert_eq!(load("", &[]).unwrap().egress.upstream_proxy, None);
    let settings = load("", &[("SLUICE__EGRESS__UPSTREAM_PROXY", "http://proxy:3128/")]).unwrap();
    assert_eq!(settings.egress.upstream_proxy.as_ref().unwrap().to_string(), "http://proxy:3128");
    let told = checks::needed_to_be_a_proxy(&settings);
    assert!(told.len() == 1 && told[0].key == "egress.upstream_proxy", "{told:?}");
    faults("[egress]\nupstream_proxy = 'proxy:3128'", &[], &["egress.upstream_proxy: \"proxy:3128\" is not a proxy"]);
    faults("[egress]\nproxy_bind = 'proxy'", &[], &["egress.proxy_bind"]);
}

#[test]
fn operators_are_named_and_can_sign_in() {
    let (ada, ben) = (&"dbid:ada".parse().unwrap(), &"dbid:ben".parse().unwrap());
    let nobody = load("", &[]).unwrap().access;
    assert!(nobody.admits(ada) && !nobody.operates(ada), "whoever may sign in is no operator for that");
    let access = load("", &[("SLUICE__ACCESS__OPERATORS", "dbid:ada,")]).unwrap().access;
    assert!(access.operates(ada) && !access.operates(ben) && access.admits(ben));
    faults("[access]\naccounts = ['dbid:ben']\noperators = ['dbid:ada']", &[], &["access.operators: an operator must"]);
    faults("[access]\noperators = ['ada']", &[], &["access.operators: not a valid account id"]);
}

#[test]
fn all_faults_are_told_together() {
    faults(
        "[limits]\nmax_size = 1\njob_timeout = 'soon'\n[sever]\nbind = 'x'",
        &[
            ("SLUICE__WORKER__CONCURRENCY", "many"),
            ("SLUICE__SERVER__BIND", "localhost"),
            ("SLUICE__DROPBOX__API_URL", "ftp://a"),
            ("SLUICE__LOG__FILTER", "=,=,"),
            ("SLUICE__ACCESS__ACCOUNTS", "ada"),
            ("SLUICE__REDIS__URL_FILE", "/does/not/exist"),
            ("SLUICE__BIND", "x"),
            ("SLUICE__LIMITS__ATTEMPTS", "0"),
        ],
        &[
            "limits.max_size: there is no such key; in limits there are: ",
            "limits.job_timeout: not a time",
            "sever.bind: there is no section sever",
            "worker.concurrency: not a whole number (SLUICE__WORKER__CONCURRENCY)",
            "server.bind",
            "dropbox.api_url: not a web address",
            "log.filter: not a log filter",
            "access.accounts: not a valid account id",
            "redis.url_file: /does/not/exist cannot be read",
            "write SLUICE__SECTION__KEY",
            "limits.attempts: must be at least 1",
        ],
    );
    // What a fuzzer found: the parser of filters cuts letters in two.
    let foreign = "info,a=d\u{fffd}[limits]\u{fffd}\u{fffd}";
    faults("", &[("SLUICE__LOG__FILTER", foreign)], &["not a log filter: write names"]);
    faults("[log]\nnot toml", &[], &["settings: not TOML, near line 2"]);
    faults("bind = 1", &[], &["keys stand in a [section]"]);
    for bad in ["http://x", "redis+sentinels://x/m", "redis:x"] {
        faults(&format!("[redis]\nurl = '{bad}'"), &[], &["redis.url: write redis://"]);
    }
    for good in ["rediss://x", "redis+sentinel://a:1,b:2/m/0", "rediss+sentinel://a/m", "redis+cluster://a:1,b:2"] {
        assert!(load(&format!("[redis]\nurl = '{good}'"), &[]).is_ok(), "{good}");
    }
}

#[test]
fn a_server_needs_more() {
    let told = Settings::from_layers(&Layers::default(), true).unwrap_err().to_string();
    for key in ["redis.url", "security.secret_key", "dropbox.app_key"] {
        assert!(told.contains(key), "{told}");
    }
}

#[test]
fn secrets_stay_secret() {
    let secret = "hunter2-hunter2-hunter2-hunter2-hunter2";
    let file = format!(
        "[redis]\nurl = 'redis://:{secret}@h'\n[security]\nsecret_key = '{secret}'\n[dropbox]\napp_secret = '{secret}'"
    );
    assert!(!format!("{:?}", load(&file, &[]).unwrap()).contains("hunter2"));
    let bad = load("[security]\nsecret_key = ['hunter2']\n[redis]\nurl = 'hunter2'", &[]).unwrap_err();
    assert!(!format!("{bad} {bad:?}").contains("hunter2"));
    let broken = load("[redis]\nurl = hunter2", &[]).unwrap_err();
    assert!(!format!("{broken} {broken:?}").contains("hunter2"));
}

#[test]
fn times_are_read() {
    let check = |text: &str, want: Option<u64>| {
        assert_eq!(text::parse_duration(text), want.map(Duration::from_millis), "{text:?}");
    };
    check("500ms", Some(500));
    check("90s", Some(90_000));
    check(" 10 m ", Some(600_000));
    check("6h", Some(21_600_000));
    check("30d", Some(2_592_000_000));
    for bad in ["", "90", "s", "-1s", "1.5h", "1y", "99999999999999999999s", "999999999999999999d"] {
        check(bad, None);
    }
}
