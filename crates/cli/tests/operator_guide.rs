//! `docs/operator.md` keeps up with the program: its settings table is made from `config/default.toml`, its runbook has every failure.

use std::{fs, path::Path};

use sluice_domain::FailureKind;
use sluice_runtime::DEFAULTS;

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operator.md");
const BEGIN: &str = "<!-- settings:";
const END: &str = "<!-- end of settings -->";

#[test]
fn every_failure_has_its_entry() {
    let guide = fs::read_to_string(GUIDE).unwrap();
    for kind in FailureKind::ALL {
        let (_, entry) =
            guide.split_once(&format!("\n### `{kind}`\n")).unwrap_or_else(|| panic!("no entry for {kind}"));
        let entry = entry.split("\n### ").next().unwrap_or_default();
        assert!(entry.contains(&format!("> {}\n", kind.user_message())), "{kind} tells people something else");
        assert!(entry.contains("**Do:** "), "{kind} does not say what to do");
    }
    assert_eq!(guide.matches("\n### `").count(), FailureKind::ALL.len(), "an entry for a failure that is not there");
}

#[test]
fn the_settings_table_is_the_defaults() {
    let guide = fs::read_to_string(GUIDE).unwrap();
    let (before, rest) = guide.split_once(BEGIN).unwrap();
    let (marker, rest) = rest.split_once('\n').unwrap();
    let (table, after) = rest.split_once(END).unwrap();
    let want = format!("\n{}\n", settings_table());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(Path::new(GUIDE), format!("{before}{BEGIN}{marker}\n{want}{END}{after}")).unwrap();
    } else {
        assert_eq!(table, want, "run UPDATE_DOCS=1 cargo test -p sluice-cli --test operator_guide");
    }
}

/// A row for each key: a key without a comment of its own shares the one above.
fn settings_table() -> String {
    let mut table = "| key | default | meaning |\n|---|---|---|\n".to_owned();
    let (mut section, mut comment, mut fresh) = (String::new(), String::new(), true);
    for line in DEFAULTS.lines() {
        if let Some(text) = line.strip_prefix("# ") {
            if fresh {
                comment.clear();
            }
            comment = format!("{comment} {text}").trim().to_owned();
            fresh = false;
        } else if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name.to_owned();
        } else if let Some((key, value)) = line.split_once(" = ") {
            table += &format!("| `{section}.{key}` | {} | {} |\n", shown(value), comment.replace('|', "\\|"));
            fresh = true;
        } else if line.is_empty() {
            fresh = true;
        }
    }
    table
}

fn shown(value: &str) -> String {
    match value {
        "\"\"" | "[]" => "empty".to_owned(),
        value => format!("`{}`", value.trim_matches('"')),
    }
}
