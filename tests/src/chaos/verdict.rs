//! What must be true when the storm is over, read from the disk and from the emulator's own records.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};

use super::{follow::Followed, report::Report};
use crate::{
    landed::{files, landed},
    site::Series,
    world::World,
};

/// Every link is one file under its own name, with its own bytes, committed once; and nothing else is there.
pub(super) fn judge(world: &World, series: &Series, followed: &Followed, report: &mut Report) -> Result<()> {
    let mut expected: Vec<BTreeSet<String>> = vec![BTreeSet::new(); followed.people.len()];
    for (number, link) in followed.links() {
        let job = link.end.as_ref().context("it has not ended")?;
        let name = format!("{}.mp4", series.title_of(number));
        let bytes = landed(&followed.people[link.place].files, job).with_context(|| name.clone())?;
        ensure!(bytes == series.bytes_of(number), "{name} holds something else");
        ensure!(job.dropbox_path.as_deref() == Some(&format!("/{name}")), "{name} is called {:?}", job.dropbox_path);
        expected[link.place].insert(name);
    }
    for (person, expected) in followed.people.iter().zip(&expected) {
        let found: BTreeSet<String> = files(&person.files)?.into_iter().collect();
        ensure!(found == *expected, "not one file for each link: {:?}", found.symmetric_difference(expected));
    }
    let mut commits: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for answer in world.emulator.commits()? {
        let text =
            |name: &str| answer[name].as_str().map(str::to_owned).with_context(|| format!("no {name}: {answer}"));
        commits.entry(text("path_display")?).or_default().push(text("rev")?);
    }
    ensure!(commits.len() == report.jobs as usize, "{} paths were committed", commits.len());
    for (path, revisions) in commits {
        // A commit of the same bytes to the same path changes nothing and is answered with the revision that is there.
        ensure!(revisions.iter().all(|rev| *rev == revisions[0]), "{path} was written more than once: {revisions:?}");
        report.idle_commits += revisions.len() - 1;
    }
    Ok(())
}
