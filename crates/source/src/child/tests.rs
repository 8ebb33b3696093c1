//! That no child outlives its owner, and none gets more than it may have.

use std::{
    env,
    io::{BufRead, BufReader},
    process::Stdio,
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::*;
use crate::testing::tools;

mod contained;

/// Starts a child of its own that outlives it if nobody looks after it, and says both process ids.
const FAMILY: &str = "import os, subprocess, sys, time
other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], stdin=subprocess.DEVNULL)
print(os.getpid(), other.pid, flush=True)
time.sleep(600)";

fn python(code: &str, directory: &Path, limits: ChildLimits) -> Child {
    let tools = tools();
    let args = vec!["-c".into(), code.into()];
    let program = Program {
        path: &tools.python,
        args,
        directory,
        scratch: directory,
        limits,
        network: Network::Proxy,
        reads: &[],
    };
    Child::start(&tools, &program).unwrap()
}

async fn output(code: &str) -> (bool, String) {
    let directory = tempfile::tempdir().unwrap();
    let mut child = python(code, directory.path(), ChildLimits::extraction(20));
    let (stdout, stderr) = (child.take_stdout().unwrap(), child.take_stderr().unwrap());
    let (stdout, stderr) = tokio::join!(read_at_most(stdout, 1 << 20), read_tail(stderr, 1 << 16));
    let ok = child.wait().await.unwrap().success();
    (ok, String::from_utf8(stdout.unwrap()).unwrap() + &stderr)
}

/// Reads the process ids that `FAMILY` says.
async fn family(child: &mut Child) -> Vec<Pid> {
    use tokio::io::AsyncBufReadExt;
    let mut line = String::new();
    tokio::io::BufReader::new(child.take_stdout().unwrap()).read_line(&mut line).await.unwrap();
    pids(&line)
}

fn pids(line: &str) -> Vec<Pid> {
    line.split_whitespace().map(|word| Pid::from_raw(word.parse().unwrap())).collect()
}

/// Waits until none of these is alive; a zombie is not.
async fn gone(pids: &[Pid]) {
    let deadline = Instant::now() + Duration::from_secs(1);
    let alive = |pid: &Pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"))
    };
    while pids.iter().any(alive) {
        assert!(Instant::now() < deadline, "{pids:?} live on");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_whole_group_dies_when_the_child_is_dropped() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = python(FAMILY, directory.path(), ChildLimits::extraction(20));
    let pids = family(&mut child).await;
    assert_eq!(pids.len(), 2);
    drop(child);
    gone(&pids).await;
}

#[tokio::test]
async fn what_a_child_leaves_behind_dies_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let leaves = FAMILY.trim_end_matches("time.sleep(600)");
    let mut child = python(leaves, directory.path(), ChildLimits::extraction(20));
    let pids = family(&mut child).await;
    assert!(child.wait().await.unwrap().success());
    gone(&pids).await;
}

#[tokio::test]
async fn the_whole_group_dies_when_the_owner_is_killed() {
    #[expect(clippy::disallowed_methods, reason = "starts this very test binary")]
    let mut owner = std::process::Command::new(env::current_exe().unwrap())
        .args(["--exact", "child::tests::owner", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.filter_map(|line| line.split_once("family: ").map(|(_, pids)| pids.to_owned())).next().unwrap();
    let pids = pids(&line);
    owner.kill().unwrap();
    owner.wait().unwrap();
    gone(&pids).await;
}

#[tokio::test]
#[ignore = "a part of the test above, which kills it"]
async fn owner() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = python(FAMILY, directory.path(), ChildLimits::extraction(20));
    let pids = family(&mut child).await;
    println!("family: {} {}", pids[0], pids[1]);
    child.wait().await.unwrap();
}

#[tokio::test]
async fn memory_and_files_are_limited() {
    let (ok, said) = output("bytearray(2 << 30)").await;
    assert!(!ok && said.contains("MemoryError"), "{said}");
    let (ok, said) = output("open('big', 'wb').write(bytes(65 << 20))").await;
    assert!(!ok && said.contains("File too large"), "{said}");
}

#[tokio::test]
async fn the_environment_is_clean() {
    let (ok, said) = output("import os; print(*sorted(os.environ))").await;
    assert!(ok);
    assert_eq!(
        said.trim(),
        "HOME LANG PATH TMPDIR XDG_CACHE_HOME YTDLP_NO_PLUGINS all_proxy ftp_proxy http_proxy https_proxy"
    );
}

#[tokio::test]
async fn arguments_are_never_read_by_a_shell() {
    let directory = tempfile::tempdir().unwrap();
    let (tools, hostile) = (tools(), "$(touch owned); `touch owned` | > owned");
    let args = vec!["-c".into(), "import sys; print(sys.argv[1])".into(), hostile.into()];
    let limits = ChildLimits::extraction(20);
    let program = Program {
        path: &tools.python,
        args,
        directory: directory.path(),
        scratch: directory.path(),
        limits,
        network: Network::None,
        reads: &[],
    };
    let mut child = Child::start(&tools, &program).unwrap();
    let said = read_at_most(child.take_stdout().unwrap(), 1000).await.unwrap();
    assert_eq!(String::from_utf8(said).unwrap().trim(), hostile);
    assert_eq!(directory.path().read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn output_is_bounded() {
    assert!(read_at_most(&[0; 11][..], 10).await.is_err());
    assert_eq!(read_at_most(&[0; 10][..], 10).await.unwrap().len(), 10);
    let long = vec![b'x'; 100_000];
    let tail = read_tail(&long[..], 1000).await;
    assert!((1000..=2000 + 8192).contains(&tail.len()), "{}", tail.len());
}

#[tokio::test]
async fn pipes_are_inherited_by_this_child_alone() {
    use std::io::{Read, Write};
    let (tools, directory) = (tools(), tempfile::tempdir().unwrap());
    let (mut output, stdout) = io::pipe().unwrap();
    let (third, mut input) = io::pipe().unwrap();
    let (mut answer, fourth) = io::pipe().unwrap();
    let code = "import os
print('said', flush=True)
os.write(4, os.read(3, 100).upper())";
    let args = vec!["-c".into(), code.into()];
    let limits = ChildLimits::extraction(20);
    let program = Program {
        path: &tools.python,
        args,
        directory: directory.path(),
        scratch: directory.path(),
        limits,
        network: Network::None,
        reads: &[],
    };
    let (stdout, pipes) = (OwnedFd::from(stdout), [third.into(), fourth.into()]);
    let mut child = Child::start_with_pipes(&tools, &program, &stdout, &pipes).unwrap();
    // Another that starts meanwhile must not hold them open, or they would never end.
    let other = python(FAMILY, directory.path(), limits);
    drop((stdout, pipes));
    input.write_all(b"words").unwrap();
    drop(input);
    assert!(child.wait().await.unwrap().success());
    let (mut said, mut answered) = (String::new(), String::new());
    output.read_to_string(&mut said).unwrap();
    answer.read_to_string(&mut answered).unwrap();
    assert_eq!((said.trim(), answered.as_str()), ("said", "WORDS"));
    drop(other);
}
