//! Whether the programs run at all, tried once at boot: a worker whose tools are broken would take everybody's jobs and fail them all.

use std::{io, path::Path, time::Duration};

use tokio::time::timeout;

use crate::{
    SourceError, Tools,
    child::{Child, ChildLimits, Containment, Network, Program, read_tail},
};

/// yt-dlp takes a second or two to tell its version; on a busy machine, some.
const TIMEOUT: Duration = Duration::from_secs(60);
/// What is kept of a program's output, in bytes.
const MAX_SAID_BYTES: usize = 4 * 1024;

impl Tools {
    /// Starts each program once, the way it is started for a job, and asks for no more than its version.
    ///
    /// # Errors
    /// The first that does not run, with what it said last.
    pub async fn try_out(&self) -> Result<(), SourceError> {
        let one = async |path: &Path, setting, question| {
            let said = timeout(TIMEOUT, self.ask(path, question)).await;
            said.unwrap_or_else(|_| Err(format!("no answer after {} s", TIMEOUT.as_secs()))).map_err(|said| {
                SourceError::BrokenProgram { program: path.to_path_buf(), python: self.python.clone(), setting, said }
            })
        };
        tokio::try_join!(
            one(&self.yt_dlp, "yt_dlp", "--version"),
            one(&self.ffmpeg, "ffmpeg", "-version"),
            one(&self.ffprobe, "ffprobe", "-version"),
        )?;
        if let Some(containment) = self.containment().await {
            tracing::info!(%containment, gaps = containment.gaps().join("; "), "What children are held to");
        }
        Ok(())
    }

    /// What children are held to on this machine, once they were tried out.
    pub async fn containment(&self) -> Option<Containment> {
        let mut told = self.containment.subscribe();
        // The word of a child that has just ended may still be on its way.
        let told = timeout(Duration::from_secs(1), told.wait_for(Option::is_some)).await;
        told.ok()?.ok().and_then(|told| *told)
    }

    async fn ask(&self, path: &Path, question: &str) -> Result<(), String> {
        let broken = |error: io::Error| error.to_string();
        let directory = self.work.directory("child-").map_err(broken)?;
        let program = Program {
            path,
            args: vec![question.into()],
            directory: directory.path(),
            scratch: directory.path(),
            limits: ChildLimits::extraction(TIMEOUT.as_secs()),
            network: Network::Proxy,
            reads: &[],
        };
        let mut child = Child::start(self, &program).map_err(broken)?;
        let (Some(stdout), Some(stderr)) = (child.take_stdout(), child.take_stderr()) else {
            return Err("a child without output".to_owned());
        };
        let (_, said) = tokio::join!(read_tail(stdout, MAX_SAID_BYTES), read_tail(stderr, MAX_SAID_BYTES));
        let status = child.wait().await.map_err(broken)?;
        let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        if status.success() { Ok(()) } else { Err(format!("{status} {last}").trim().to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;
    use crate::{
        ToolsConfig,
        testing::{tools, tools_config},
    };

    #[tokio::test]
    async fn tools_that_run_are_in_order() {
        tools().try_out().await.unwrap();
    }

    #[tokio::test]
    async fn a_broken_program_is_named_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let broken = folder.path().join("broken");
        fs::write(&broken, "#!/bin/sh\necho boom >&2\nexit 3\n").unwrap();
        fs::set_permissions(&broken, fs::Permissions::from_mode(0o755)).unwrap();
        let broken = broken.display().to_string();
        for (config, setting, said) in [
            (ToolsConfig { yt_dlp: broken.clone(), ..tools_config() }, "tools.yt_dlp", "boom"),
            (ToolsConfig { ffmpeg: broken.clone(), ..tools_config() }, "tools.ffmpeg", "boom"),
            (ToolsConfig { yt_dlp: "/etc/passwd".into(), ..tools_config() }, "tools.yt_dlp", "Permission denied"),
            (ToolsConfig { python: broken, ..tools_config() }, "tools.python", "boom"),
        ] {
            let told = Tools::find(config).unwrap().try_out().await.unwrap_err().to_string();
            assert!(told.contains(setting) && told.contains(said), "{told}");
        }
    }
}
