//! `cargo xtask tidy`: rules that no compiler knows. Faults fail; long files are only mentioned.

mod arrows;
mod files;

use anyhow::{Result, bail};

/// Checks everything, then tells all faults together.
pub(crate) fn run() -> Result<()> {
    let files = files::list()?;
    let mut faults = arrows::faults()?;
    faults.extend(files::faults(&files));
    for long in files::long(&files) {
        println!("! {long}");
    }
    if faults.is_empty() {
        println!("✓ tidy");
        return Ok(());
    }
    bail!("not tidy:\n  - {}", faults.join("\n  - "))
}
