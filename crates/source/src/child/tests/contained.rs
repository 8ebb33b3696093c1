//! A program that means harm, and what becomes of it: what [`Containment`] promises on this machine holds. What the kernel lacks is printed.

use std::{
    net::{TcpListener, UdpSocket},
    os::unix::net::UnixListener,
};

use super::*;

/// Tries these, one after another, and says which of them worked.
const HOSTILE: &str = r#"
import ctypes, json, os, resource, signal, socket, sys
want = json.loads(sys.argv[1])

def tcp(): socket.create_connection(("127.0.0.1", want["tcp"]), 2)
def tcp6(): socket.create_connection(("::1", want["tcp"]), 2)
def elsewhere(): socket.create_connection((want["address"], want["tcp"]), 2)
def udp(): socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"out", ("127.0.0.1", want["udp"]))
def mptcp():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262) as out: out.settimeout(2); out.connect(("127.0.0.1", want["tcp"]))
def unix(): socket.socket(socket.AF_UNIX).connect(want["unix"])
def unix_pair():
    one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    one.sendto(b"out", want["unix"])
def netlink(): socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)
def raw(): socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
def read_others(): open(want["secret"]).read()
def list_others(): os.listdir(os.path.dirname(want["secret"]))
def read_environment(): open(f"/proc/{want['owner']}/environ", "rb").read()
def read_memory(): open(f"/proc/{want['owner']}/mem", "rb").read(1)
def read_descriptors(): os.readlink(f"/proc/{want['owner']}/fd/0")
def open_descriptors(): open(f"/proc/{want['owner']}/fd/0", "rb")
def read_its_root(): os.listdir(f"/proc/{want['owner']}/root/root")
def shadow(): open("/etc/shadow").read()
def write_others(): open(want["secret"] + "2", "w").write("x")
def write_tmp(): open("/tmp/sluice-escaped", "w").write("x")
def overwrite(): open(want["secret"], "r+").write("x")
def send_signal(): os.kill(want["owner"], signal.SIGCONT)
def limit_owner(): resource.prlimit(want["owner"], resource.RLIMIT_NOFILE, (512, 512))
def slow_owner(): os.setpriority(os.PRIO_PROCESS, want["owner"], 10)
def leave(): os.setsid()
def leave_group(): os.setpgid(0, 0)
def namespaces():
    if ctypes.CDLL(None, use_errno=True).unshare(0x10000000): raise OSError
def trace():
    if ctypes.CDLL(None, use_errno=True).ptrace(16, want["owner"], 0, 0): raise OSError

worked = []
for name in want["tries"]:
    try:
        globals()[name]()
        worked.append(name)
    except OSError:
        pass
print(json.dumps(worked))
"#;

/// What each tries, by what keeps it from that.
const NETWORK: [&str; 5] = ["tcp", "tcp6", "elsewhere", "udp", "mptcp"];
const FILES: [&str; 11] = [
    "read_others",
    "list_others",
    "read_environment",
    "read_memory",
    "read_descriptors",
    "open_descriptors",
    "read_its_root",
    "shadow",
    "write_others",
    "write_tmp",
    "overwrite",
];
const SIGNALS: [&str; 1] = ["send_signal"];
const CALLS: [&str; 10] =
    ["unix", "unix_pair", "netlink", "raw", "limit_owner", "slow_owner", "leave", "leave_group", "namespaces", "trace"];

async fn run(tools: &Tools, code: &str, argument: &str, network: Network, directory: &Path) -> (bool, String, String) {
    let args = vec!["-c".into(), code.into(), argument.into()];
    let limits = ChildLimits::extraction(20);
    let program = Program { path: &tools.python, args, directory, scratch: directory, limits, network, reads: &[] };
    let mut child = Child::start(tools, &program).unwrap();
    let (stdout, stderr) = (child.take_stdout().unwrap(), child.take_stderr().unwrap());
    let (stdout, stderr) = tokio::join!(read_at_most(stdout, 1 << 20), read_tail(stderr, 1 << 16));
    let ok = child.wait().await.unwrap().success();
    (ok, String::from_utf8(stdout.unwrap()).unwrap(), stderr)
}

async fn containment(tools: &Tools) -> Containment {
    let directory = tempfile::tempdir().unwrap();
    let (ok, _, said) = run(tools, "", "", Network::Proxy, directory.path()).await;
    assert!(ok, "{said}");
    let containment = tools.containment().await.unwrap();
    println!("{containment}; not held here: {:?}", containment.gaps());
    containment
}

#[tokio::test]
async fn a_hostile_program_gets_nowhere() {
    let (tools, directory, other) = (tools(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let secret = other.path().join("secret");
    std::fs::write(&secret, "another job's").unwrap();
    let (tcp, udp) = (TcpListener::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    let unix = UnixListener::bind(other.path().join("redis.sock")).unwrap();
    tcp.set_nonblocking(true).unwrap();
    udp.set_nonblocking(true).unwrap();
    unix.set_nonblocking(true).unwrap();
    let held = containment(&tools).await;
    let mut tries: Vec<&&str> = Vec::new();
    tries.extend(NETWORK.iter().filter(|_| held.is_network_closed()));
    tries.extend(FILES.iter().filter(|_| held.landlock > 0));
    tries.extend(SIGNALS.iter().filter(|_| held.landlock >= 6));
    tries.extend(CALLS.iter().filter(|_| held.calls_filtered));
    let want = serde_json::json!({
        "tcp": tcp.local_addr().unwrap().port(), "udp": udp.local_addr().unwrap().port(), "address": "127.0.0.2",
        "unix": other.path().join("redis.sock"), "secret": secret, "owner": std::process::id(), "tries": tries,
    });
    for network in [Network::Proxy, Network::None] {
        let (ok, worked, said) = run(&tools, HOSTILE, &want.to_string(), network, directory.path()).await;
        assert!(ok, "{said}");
        assert_eq!(worked.trim(), "[]", "{network:?}");
    }
    assert!(tcp.accept().is_err() && udp.recv(&mut [0; 9]).is_err() && unix.accept().is_err(), "it got out");
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "another job's");
}

#[tokio::test]
async fn it_works_in_its_own_directory() {
    let (tools, directory) = (tools(), tempfile::tempdir().unwrap());
    let code = "import os, ssl, sqlite3, json, subprocess, sys, threading, urllib.request
open('file', 'w').write('x'); os.rename('file', 'other'); os.mkdir('folder'); os.listdir('.')
open(os.environ['TMPDIR'] + '/scratch', 'w').close(); os.remove('scratch'); os.urandom(8)
ssl.create_default_context()
thread = threading.Thread(target=print, args=('thread',)); thread.start(); thread.join()
print(subprocess.run([sys.executable, '-c', 'print(5)'], capture_output=True, text=True, check=True).stdout)";
    let (ok, said, complaints) = run(&tools, code, "", Network::Proxy, directory.path()).await;
    assert!(ok && said.contains("thread") && said.contains('5'), "{said} {complaints}");
}

/// Through the proxy, and only where the rules let it.
#[tokio::test]
async fn the_proxy_is_the_way_out() {
    use crate::testing::{Body, TestServer};
    let (tools, directory) = (tools(), tempfile::tempdir().unwrap());
    let site = TestServer::start().on("/clip", Body::Whole("text/plain", b"through".to_vec()));
    let code = "import sys, urllib.request
try: print(urllib.request.urlopen(sys.argv[1]).read())
except urllib.error.HTTPError as error: print(error.code, error.reason)";
    let (_, said, complaints) = run(&tools, code, &site.url("/clip"), Network::Proxy, directory.path()).await;
    assert_eq!(said.trim(), "b'through'", "{complaints}");
    let inward = "http://10.0.0.1/latest";
    let (_, said, complaints) = run(&tools, code, inward, Network::Proxy, directory.path()).await;
    assert_eq!(said.trim(), "403 10.0.0.1:80 is not visited: private", "{complaints}");
}

/// It forks until it is stopped; then the whole of it dies with its owner's word, however it tries to get away.
#[tokio::test]
async fn a_fork_bomb_is_bounded_and_dies_whole() {
    let (tools, directory) = (tools(), tempfile::tempdir().unwrap());
    let held = containment(&tools).await;
    // Where nothing bounds it but its group's end, it bounds itself: this machine is everybody's.
    let most = 400;
    let code = format!(
        "import os, sys, time
count = 0
for _ in range({most}):
    try:
        if os.fork() == 0:
            try: os.setsid()
            except OSError: pass
            time.sleep(600)
        count += 1
    except OSError:
        break
print(count, flush=True)
time.sleep(600)"
    );
    let args = vec!["-c".into(), code.into()];
    let limits = ChildLimits::extraction(20);
    let (path, network) = (&tools.python, Network::Proxy);
    let directory = directory.path();
    let program = Program { path, args, directory, scratch: directory, limits, network, reads: &[] };
    let mut child = Child::start(&tools, &program).unwrap();
    let mut line = String::new();
    let mut stdout = tokio::io::BufReader::new(child.take_stdout().unwrap());
    tokio::io::AsyncBufReadExt::read_line(&mut stdout, &mut line).await.unwrap();
    let count: usize = line.trim().parse().unwrap();
    if held.by_root || !held.own_network {
        assert_eq!(count, most);
    } else {
        assert!(count < usize::try_from(limits.processes).unwrap(), "{count}");
    }
    let living = || {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let at_home = |place: &Path| std::fs::read_link(place.join("cwd")).is_ok_and(|cwd| cwd == directory);
        processes.filter(|process| at_home(&process.path())).count()
    };
    assert!(living() >= count, "{} of {count}", living());
    child.end().await;
    if held.calls_filtered {
        let deadline = Instant::now() + Duration::from_secs(5);
        while living() > 0 {
            assert!(Instant::now() < deadline, "{} live on", living());
            sleep(Duration::from_millis(5)).await;
        }
    }
}
