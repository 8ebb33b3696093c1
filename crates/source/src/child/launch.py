"""Becomes another program, under limits and on a tether. Run as: python -I -S -c THIS ORDERS PROGRAM ARGUMENT..., with ORDERS a JSON object:

    limits   resource limits, by the names of setrlimit(2)
    pipes    how many pipes the program gets beyond the three that every program has
    port     where the proxy is that it may speak to; null: it speaks to nobody
    confine  what it may read and write; null: it confines itself, or its children

The tether is standard input, the read end of a pipe that the owner holds open and never writes to. The kernel sends
SIGKILL to the whole process group when the other end closes: when the owner drops the child, and also when the owner
itself dies, by whatever cause. No supervisor stays behind; the program that this process becomes needs to know nothing.

Standard output is a socket over which the owner sends descriptors: first the real standard output, then what becomes 3, 4, and
so on. A line of JSON goes back, which says what holds, with a listener if the program is in a network of its own: there, the proxy is
where the owner accepts.
"""

import json
import signal

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
orders = json.loads(sys.argv[1])
pipes, port = orders["pipes"], orders["port"]
owner = socket.socket(fileno=1)
_, sent, _, _ = socket.recv_fds(owner, 1, pipes + 1)
# Moved out of the way: what was received may lie where something else belongs.
away = [fcntl.fcntl(pipe, fcntl.F_DUPFD_CLOEXEC, 64) for pipe in sent]
for pipe in sent:
    os.close(pipe)
owner = socket.socket(fileno=fcntl.fcntl(owner.detach(), fcntl.F_DUPFD_CLOEXEC, 64))

network = leave_network(port)
limit(orders["limits"], apart=network is not None)
holds = {"apart": network is not None, "root": os.geteuid() == 0 or network is not None and os.geteuid() == NOBODY}
if orders["confine"]:
    holds |= confine(orders["confine"]["read"], orders["confine"]["write"], port)
socket.send_fds(owner, [json.dumps(holds).encode() + b"\n"], [listener.fileno() for listener in network or ()])
owner.close()
for listener in network or ():
    listener.close()
for place, pipe in zip([1, *range(3, 3 + pipes)], away, strict=True):
    os.dup2(pipe, place)
os.execv(sys.argv[2], sys.argv[2:])
