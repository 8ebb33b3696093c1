//! Which value wins, and where each came from.
//!
//! A setting is a `section.key`. Each value that somebody wrote is tried alone on the defaults first, so that every bad one is found and
//! named with its origin; only then are they put together. Refuses to touch the process's environment.

use std::{fs, path::Path};

use toml::{Table, Value};

use super::{DEFAULTS, Fault, Settings, SettingsError};

/// Keys whose value may come from a file (`..._FILE`) and never appears in a message.
const SECRETS: [(&str, &str); 3] = [("redis", "url"), ("dropbox", "app_secret"), ("security", "secret_key")];
const PREFIX: &str = "SLUICE__";
/// Settings and secrets are small; whatever is longer is the wrong file.
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// What was written outside the defaults.
#[derive(Debug, Default)]
pub(super) struct Layers {
    /// The text of the settings file, with the name to call it by.
    pub(super) file: Option<(String, String)>,
    /// The environment's variables that begin with [`PREFIX`].
    pub(super) environment: Vec<(String, String)>,
}

/// One value that somebody wrote.
struct Override {
    section: String,
    key: String,
    value: Value,
    origin: String,
}

impl Layers {
    pub(super) fn from_system(config: Option<&Path>) -> Result<Self, SettingsError> {
        let file = match config {
            None => None,
            Some(path) => {
                let text = read_small(path).map_err(|problem| SettingsError {
                    faults: vec![fault(&path.display().to_string(), "--config", &problem)],
                })?;
                Some((path.display().to_string(), text))
            }
        };
        let mut environment: Vec<_> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        environment.sort();
        Ok(Self { file, environment })
    }

    /// The settings, as far as they can be read, and everything that is wrong.
    pub(super) fn merge(&self) -> (Option<Settings>, Vec<Fault>) {
        let mut merged: Table = match DEFAULTS.parse() {
            Ok(table) => table,
            Err(error) => return (None, vec![fault("config/default.toml", "embedded", &error.to_string())]),
        };
        let defaults = merged.clone();
        let mut faults = Vec::new();
        let mut overrides = Vec::new();
        self.read_file(&defaults, &mut overrides, &mut faults);
        self.read_environment(&defaults, &mut overrides, &mut faults);
        for written in overrides {
            match alone(&defaults, &written) {
                Ok(()) => set(&mut merged, &written.section, &written.key, written.value),
                Err(problem) => faults.push(fault(&written.name(), &written.origin, &problem)),
            }
        }
        match merged.try_into() {
            Ok(settings) => (Some(settings), faults),
            Err(error) => {
                faults.push(fault("settings", "embedded", &error.to_string()));
                (None, faults)
            }
        }
    }

    fn read_file(&self, defaults: &Table, overrides: &mut Vec<Override>, faults: &mut Vec<Fault>) {
        let Some((path, text)) = &self.file else { return };
        let table: Table = match text.parse() {
            Ok(table) => table,
            // The error's own text would quote the line, which may hold a secret.
            Err(error) => {
                let line = error.span().map_or(0, |span| text[..span.start].lines().count().max(1));
                let problem = format!("not TOML, near line {line}: {}", error.message());
                return faults.push(fault(path, "--config", &problem));
            }
        };
        for (section, keys) in table {
            let Value::Table(keys) = keys else {
                faults.push(fault(&section, path, "keys stand in a [section]"));
                continue;
            };
            for (key, value) in keys {
                match known(defaults, &section, &key) {
                    Ok(_) => overrides.push(Override { section: section.clone(), key, value, origin: path.clone() }),
                    Err(problem) => faults.push(fault(&format!("{section}.{key}"), path, &problem)),
                }
            }
        }
    }

    fn read_environment(&self, defaults: &Table, overrides: &mut Vec<Override>, faults: &mut Vec<Fault>) {
        let mut from_files = Vec::new();
        for (name, text) in self.environment.iter().filter(|(_, text)| !text.trim().is_empty()) {
            let path = name.trim_start_matches(PREFIX).to_ascii_lowercase();
            let Some((section, key)) = path.split_once("__") else {
                faults.push(fault(&path, name, "write SLUICE__SECTION__KEY"));
                continue;
            };
            let secret = SECRETS.into_iter().find(|(s, k)| *s == section && key.strip_suffix("_file") == Some(*k));
            let read = match secret {
                Some((_, key)) => read_small(Path::new(text)).map(|text| (key, Value::String(text.trim().to_owned()))),
                None => known(defaults, section, key).and_then(|like| typed(text, like)).map(|value| (key, value)),
            };
            match read {
                Ok((key, value)) => {
                    let written =
                        Override { section: section.to_owned(), key: key.to_owned(), value, origin: name.clone() };
                    if secret.is_some() { from_files.push(written) } else { overrides.push(written) }
                }
                Err(problem) => faults.push(fault(&format!("{section}.{key}"), name, &problem)),
            }
        }
        overrides.append(&mut from_files);
    }
}

impl Override {
    fn name(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }

    fn is_secret(&self) -> bool {
        SECRETS.contains(&(self.section.as_str(), self.key.as_str()))
    }
}

/// The default of a key, or why there is none.
fn known<'a>(defaults: &'a Table, section: &str, key: &str) -> Result<&'a Value, String> {
    let Some(keys) = defaults.get(section).and_then(Value::as_table) else {
        return Err(format!("there is no section {section}; there are: {}", names(defaults)));
    };
    keys.get(key).ok_or_else(|| format!("there is no such key; in {section} there are: {}", names(keys)))
}

fn names(table: &Table) -> String {
    table.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// A variable's text as the type that the key's default has.
fn typed(text: &str, like: &Value) -> Result<Value, String> {
    let text = text.trim();
    match like {
        Value::Integer(_) => text.parse().map(Value::Integer).map_err(|_| "not a whole number".to_owned()),
        Value::Array(_) => Ok(Value::Array(
            text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(|item| item.to_owned().into()).collect(),
        )),
        _ => Ok(Value::String(text.to_owned())),
    }
}

/// Does this value, alone on the defaults, make settings?
fn alone(defaults: &Table, written: &Override) -> Result<(), String> {
    let mut table = defaults.clone();
    set(&mut table, &written.section, &written.key, written.value.clone());
    match table.try_into::<Settings>() {
        Ok(_) => Ok(()),
        // serde may quote what it did not understand.
        Err(_) if written.is_secret() => Err("not a text".to_owned()),
        Err(error) => Err(error.message().to_owned()),
    }
}

fn set(table: &mut Table, section: &str, key: &str, value: Value) {
    if let Some(Value::Table(keys)) = table.get_mut(section) {
        keys.insert(key.to_owned(), value);
    }
}

fn read_small(path: &Path) -> Result<String, String> {
    let told = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let bytes = fs::metadata(path).map_err(told)?.len();
    if bytes > MAX_FILE_BYTES {
        return Err(format!("{} has {bytes} bytes, which is too large to be settings", path.display()));
    }
    fs::read_to_string(path).map_err(told)
}

fn fault(key: &str, origin: &str, problem: &str) -> Fault {
    Fault { key: key.to_owned(), origin: origin.to_owned(), problem: problem.to_owned() }
}
