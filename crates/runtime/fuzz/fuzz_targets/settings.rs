//! Any text as a settings file, with its last lines as the environment: settings, or faults that name their key and no secret; never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_runtime::Settings;

/// What stands between the file and the environment.
const THEN: &str = "\n---\n";
const SECRET: &str = "a-secret-that-no-fault-may-tell";

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let (file, environment) = text.split_once(THEN).unwrap_or((&text, ""));
    let mut variables: Vec<(String, String)> = environment
        .lines()
        .filter_map(|line| line.split_once('='))
        // A file named by a variable is the system's business.
        .filter(|(name, _)| !name.ends_with("_FILE"))
        .map(|(name, value)| (format!("SLUICE__{name}"), value.to_owned()))
        .collect();
    variables.push(("SLUICE__SECURITY__SECRET_KEY".to_owned(), SECRET.to_owned()));
    match Settings::from_text(file, variables) {
        Ok(settings) => {
            assert!(settings.limits.user_running > 0 && settings.worker.concurrency > 0);
            assert!(!format!("{settings:?}").contains(SECRET));
        }
        Err(error) => {
            assert!(!error.faults.is_empty());
            assert!(error.faults.iter().all(|fault| !fault.problem.is_empty()));
            assert!(!error.to_string().contains(SECRET), "{error}");
        }
    }
});
