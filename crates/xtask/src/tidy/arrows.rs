//! The arrows between crates, as cargo knows them, against the table in ARCHITECTURE.md, which is the one source of truth.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::{place, program::output, test::cargo};

/// What each crate uses, or may use, of the others; short names, as in the table.
type Arrows = BTreeMap<String, BTreeSet<String>>;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// Set for crates of this repository.
    path: Option<String>,
}

/// Everything that the table does not allow.
pub(super) fn faults() -> Result<Vec<String>> {
    let table = fs::read_to_string(place::root().join("ARCHITECTURE.md")).context("ARCHITECTURE.md")?;
    let allowed = parse(&table);
    ensure!(!allowed.is_empty(), "ARCHITECTURE.md has no table that begins with | crate |");
    Ok(compare(&allowed, &real()?))
}

fn real() -> Result<Arrows> {
    let json = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Metadata = serde_json::from_str(&json).context("cargo metadata")?;
    let short = |name: &str| name.strip_prefix("sluice-").unwrap_or(name).to_owned();
    let uses = |package: &Package| {
        package.dependencies.iter().filter(|used| used.path.is_some()).map(|used| short(&used.name)).collect()
    };
    Ok(metadata.packages.iter().map(|package| (short(&package.name), uses(package))).collect())
}

/// The rows `| crate | its one job | may use |`.
fn parse(document: &str) -> Arrows {
    let rows = document.lines().skip_while(|line| !line.starts_with("| crate |")).skip(2);
    rows.take_while(|line| line.starts_with('|'))
        .filter_map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let (name, uses) = (cells.first()?, cells.last()?);
            let uses = uses.split(',').map(str::trim).filter(|used| *used != "–").map(str::to_owned).collect();
            Some(((*name).to_owned(), uses))
        })
        .collect()
}

fn compare(allowed: &Arrows, real: &Arrows) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, uses) in real {
        let Some(may) = allowed.get(name) else {
            faults.push(format!("crate {name} is missing in the table of ARCHITECTURE.md"));
            continue;
        };
        for used in uses.difference(may) {
            faults.push(format!("{name} uses {used}, which the table of ARCHITECTURE.md does not allow"));
        }
    }
    faults.extend(
        allowed
            .keys()
            .filter(|name| !real.contains_key(*name))
            .map(|name| format!("the table of ARCHITECTURE.md names a crate that is not there: {name}")),
    );
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "text\n\n| crate | its one job | may use |\n|---|---|---|\n| a | words | – |\n\
                         | b | **`b`**: more | a |\n\n| other | table |\n";

    fn arrows(pairs: &[(&str, &[&str])]) -> Arrows {
        let set = |uses: &[&str]| uses.iter().map(|used| (*used).to_owned()).collect();
        pairs.iter().map(|(name, uses)| ((*name).to_owned(), set(uses))).collect()
    }

    #[test]
    fn the_table_is_read() {
        assert_eq!(parse(TABLE), arrows(&[("a", &[]), ("b", &["a"])]));
    }

    #[test]
    fn a_new_arrow_is_a_fault() {
        let check = |real: &[(&str, &[&str])], want: usize| {
            assert_eq!(compare(&parse(TABLE), &arrows(real)).len(), want, "{real:?}");
        };
        check(&[("a", &[]), ("b", &["a"])], 0);
        check(&[("a", &[]), ("b", &[])], 0);
        check(&[("a", &["b"]), ("b", &[])], 1);
        check(&[("a", &[])], 1);
        check(&[("a", &[]), ("b", &[]), ("c", &[])], 1);
    }
}
