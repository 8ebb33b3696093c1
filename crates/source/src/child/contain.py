"""What keeps a program within its bounds, as far as the kernel allows: a network without a way out, a view of the file system, system calls.

No code of its own: it stands in front of launch.py and of fork_server.py. Everything here is for the process that calls it and for whatever it
starts, for good. What the kernel does not offer is left out and told.
"""

import ctypes
import fcntl
import os
import platform
import resource
import socket
import struct
import sys

LIBC = ctypes.CDLL(None, use_errno=True)

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
# Whoever is root here would keep its capabilities over the new namespaces; as nobody it loses them with the next program.
NOBODY = 65534

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
AUDIT_ARCHES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# Numbers of system calls, of x86_64 and aarch64.
DENIED = {
    # What leaves the process group would outlive its owner.
    "setsid": (112, 157),
    "setpgid": (109, 154),
    # Other processes.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "process_madvise": (440, 440),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "kcmp": (312, 272),
    # Other namespaces and file systems.
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    # What opens sockets without asking for one, and what has opened kernels before.
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "syslog": (103, 116),
}
# These may be about the caller alone: the argument that names a process must be 0.
SELF_ONLY = {
    "prlimit64": ((302, 261), 0),
    "sched_setaffinity": ((203, 122), 0),
    "sched_setscheduler": ((144, 119), 0),
    "sched_setparam": ((142, 118), 0),
    "sched_setattr": ((314, 274), 0),
    "setpriority": ((141, 140), 1),
}
SOCKET, SOCKETPAIR, CLONE, CLONE3 = (41, 198), (53, 199), (56, 220), (435, 435)
NEW_NAMESPACES = 0x7E020000
EPERM, EACCES, ENOSYS = 1, 13, 38

# Landlock: the rights that each version added, and those that mean something for a file.
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
RIGHTS = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | 1 << 14 | 1 << 15
BIND_AND_CONNECT, CONNECT = 3, 2
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def leave_network(port):
    """Goes where there is no network but its own loopback; a listener on this port of it, if there is one to be. None: it must stay here."""
    uid, gid = os.getuid(), os.getgid()
    if LIBC.unshare(CLONE_NEWUSER):
        return None
    try:
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{uid or NOBODY} {uid} 1"),
            ("gid_map", f"{gid or NOBODY} {gid} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    except OSError:
        # Without a name in there nothing can be had there; what was possible before still is.
        return None
    if LIBC.unshare(CLONE_NEWNET):
        return None
    if port is None:
        return ()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        name = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, name))
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    return (listener,)


def limit(limits, apart):
    """Sets resource limits; that on processes only where it counts this program's alone."""
    for name, value in limits.items():
        if name == "NPROC" and not apart:
            continue
        number = getattr(resource, "RLIMIT_" + name)
        _, hard = resource.getrlimit(number)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (value, value))


def confine(read, write, port):
    """Reads nothing but these places, writes nothing but those, and speaks to this port of this machine alone, or to nobody."""
    # Version managers hide where this very Python lives from whoever names it.
    own = {sys.prefix, sys.base_prefix, sys.exec_prefix} - {"/"}
    LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    read = [*read, *own]
    return {"landlock": landlock(read, write, port), "calls": filter_calls(port is not None)}


def landlock(read, write, port):
    version = LIBC.syscall(LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return 0
    every = sum(rights for since, rights in RIGHTS.items() if since <= version)
    ruleset = struct.pack("Q", every)
    if version >= 4:
        ruleset += struct.pack("Q", BIND_AND_CONNECT)
    if version >= 6:
        # No signal and no abstract socket leads out.
        ruleset += struct.pack("Q", 3)
    rules = LIBC.syscall(LANDLOCK_CREATE_RULESET, ruleset, ctypes.c_size_t(len(ruleset)), 0)
    if rules < 0:
        return 0

    def allow(place, rights):
        try:
            found = os.open(place, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return
        try:
            rights &= every if os.path.isdir(place) else every & OF_FILES
            LIBC.syscall(LANDLOCK_ADD_RULE, rules, 1, struct.pack("=Qi", rights, found), 0)
        finally:
            os.close(found)

    for place in read:
        allow(place, EXECUTE | READ_FILE | READ_DIR)
    for place in write:
        allow(place, every)
    for place in DEVICES:
        allow(place, READ_FILE | WRITE_FILE | 1 << 15)
    if version >= 4 and port is not None:
        LIBC.syscall(LANDLOCK_ADD_RULE, rules, 2, struct.pack("=QQ", CONNECT, port), 0)
    failed = LIBC.syscall(LANDLOCK_RESTRICT_SELF, rules, 0)
    os.close(rules)
    return 0 if failed else version


def filter_calls(speaks):
    """Whether the filter holds. What is not refused is allowed: it takes away ways out, not what a program lives on."""
    arch = AUDIT_ARCHES.get(platform.machine())
    if arch is None:
        return False
    of = 0 if platform.machine() == "x86_64" else 1
    load = lambda offset: (0x20, 0, 0, offset)
    argument = lambda number: load(16 + 8 * number)
    refuse = lambda errno: (0x06, 0, 0, 0x00050000 | errno)
    is_one = lambda value, yes, no: (0x15, yes, no, value)
    allowed = (0x06, 0, 0, 0x7FFF0000)
    call = load(0)
    # Another architecture's numbers mean other calls.
    lines = [load(4), is_one(arch, 1, 0), (0x06, 0, 0, 0x80000000), call]
    if of == 0:
        lines += [(0x35, 0, 1, 0x40000000), refuse(ENOSYS)]
    for numbers in DENIED.values():
        lines += [is_one(numbers[of], 0, 1), refuse(EPERM)]
    lines += [is_one(CLONE3[of], 0, 1), refuse(ENOSYS)]
    lines += [is_one(CLONE[of], 0, 4), argument(0), (0x45, 0, 1, NEW_NAMESPACES), refuse(EPERM), allowed]
    for numbers, which in SELF_ONLY.values():
        lines += [is_one(numbers[of], 0, 4), argument(which), is_one(0, 1, 0), refuse(EPERM), allowed]
    # Pairs of datagram sockets can be pointed elsewhere.
    lines += [is_one(SOCKETPAIR[of], 0, 5), argument(1), (0x54, 0, 0, 0xF), is_one(2, 0, 1), refuse(EACCES), allowed]
    if speaks:
        # TCP alone: no datagram, no socket of another kind, such as those of the machine's own services. MPTCP goes past Landlock.
        lines += [is_one(SOCKET[of], 0, 11), argument(0), is_one(socket.AF_INET, 2, 0), is_one(socket.AF_INET6, 1, 0)]
        lines += [refuse(EACCES), argument(1), (0x54, 0, 0, 0xF), is_one(1, 0, 3)]
        lines += [argument(2), is_one(0, 2, 0), is_one(socket.IPPROTO_TCP, 1, 0), refuse(EACCES)]
    else:
        lines += [is_one(SOCKET[of], 0, 1), refuse(EACCES)]
    lines.append(allowed)
    program = b"".join(struct.pack("HBBI", *line) for line in lines)
    held = ctypes.create_string_buffer(program, len(program))
    filters = struct.pack("HxxxxxxP", len(lines), ctypes.addressof(held))
    return LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filters, 0, 0) == 0


