"""Becomes another program, under limits and on a tether. Run as: python -I -S -c THIS LIMITS PIPES PROGRAM ARGUMENT...

The tether is standard input, the read end of a pipe that the owner holds open and never writes to. The kernel sends
SIGKILL to the whole process group when the other end closes: when the owner drops the child, and also when the owner
itself dies, by whatever cause. No supervisor stays behind; the program that this process becomes needs to know nothing.

PIPES says how many pipes the program gets beyond the three that every program has. When it is not 0, standard output is
a socket over which the owner sends them: first the real standard output, then what becomes 3, 4, and so on.
"""

import fcntl
import json
import os
import resource
import signal
import sys

fcntl.fcntl(0, fcntl.F_SETOWN, -os.getpgrp())
fcntl.fcntl(0, getattr(fcntl, "F_SETSIG", 10), signal.SIGKILL)
fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)
# The owner may have died before the tether was set up; then nobody would ever pull it.
os.set_blocking(0, False)
try:
    if os.read(0, 1) == b"":
        sys.exit(1)
except BlockingIOError:
    os.set_blocking(0, True)
for name, value in json.loads(sys.argv[1]).items():
    _, hard = resource.getrlimit(getattr(resource, "RLIMIT_" + name))
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(getattr(resource, "RLIMIT_" + name), (value, value))
pipes = int(sys.argv[2])
if pipes:
    import socket

    with socket.socket(fileno=1) as owner:
        _, sent, _, _ = socket.recv_fds(owner, 1, pipes + 1)
        owner.detach()
    # Moved out of the way first: what was received may lie where something else belongs.
    away = [fcntl.fcntl(pipe, fcntl.F_DUPFD_CLOEXEC, 64) for pipe in sent]
    for pipe in sent:
        os.close(pipe)
    for place, pipe in zip([1, *range(3, 3 + pipes)], away, strict=True):
        os.dup2(pipe, place)
os.execv(sys.argv[3], sys.argv[3:])
