"""Imports yt-dlp once and looks at one link per forked child. Run as: python -I -c THIS OPTIONS, with OPTIONS a JSON object:

    argv     yt-dlp's command line, without a link
    limits   resource limits of a child, by the names of setrlimit(2)
    seconds  the longest that a child may live

Standard output is a socket. When everything is imported, one line of JSON goes out on it ({"version", "stamp"}). Each byte that then
comes in carries two descriptors: a connection, and the read end of a pipe that the asker holds open. The child reads one line of JSON
({"url", "directory"}) from the connection and answers with one JSON value until the end: {"info": ...} or {"error": ...}. An answer
that breaks off means that the child died: it went over a limit.

When the asker hangs up or dies, the kernel kills the child's process group (the pipe is set to send SIGKILL when it closes).
The server itself touches nothing that comes from outside, and has exactly one thread: only then is forking safe.
"""

import fcntl
import json
import os
import resource
import signal
import socket
import sys

import yt_dlp
from yt_dlp.extractor import gen_extractor_classes
from yt_dlp.globals import plugin_dirs
from yt_dlp.plugins import load_all_plugins
from yt_dlp.postprocessor import FFmpegPostProcessor

MAX_REQUEST_BYTES = 64 * 1024
MAX_ERROR_CHARS = 64 * 1024


class Complaints:
    """What yt-dlp says about its failures; it is bounded, and nothing goes to a terminal."""

    def __init__(self):
        self.text = ""

    def error(self, message):
        if len(self.text) < MAX_ERROR_CHARS:
            self.text += message[:MAX_ERROR_CHARS] + "\n"

    def debug(self, message):
        pass

    info = warning = debug


def prepare(argv):
    """Everything that is the same for all links."""
    parsed = yt_dlp.parse_options(argv)
    FFmpegPostProcessor._ffmpeg_location.set(parsed.options.ffmpeg_location)
    plugin_dirs.value = parsed.options.plugin_dirs
    load_all_plugins()
    # Compiles every extractor's pattern, and imports what is imported late.
    for extractor in gen_extractor_classes():
        extractor.suitable("https://nothing.invalid/")
    options = {**parsed.ydl_opts, "quiet": True, "no_warnings": True, "noprogress": True, "ignoreerrors": False}
    with yt_dlp.YoutubeDL({**options, "logger": Complaints()}) as warm:
        warm.get_info_extractor("Generic")
        # Loads the certificates and the request handlers.
        warm._request_director
    return options


def serve(connection, tether, limits, seconds, options):
    """One link, in a process of its own."""
    os.setpgid(0, 0)
    fcntl.fcntl(tether, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(tether, getattr(fcntl, "F_SETSIG", 10), signal.SIGKILL)
    fcntl.fcntl(tether, fcntl.F_SETFL, fcntl.fcntl(tether, fcntl.F_GETFL) | os.O_ASYNC)
    # The hang-up may have come before the tether was set up; then nobody would ever pull it.
    os.set_blocking(tether, False)
    try:
        if os.read(tether, 1) == b"":
            return
    except BlockingIOError:
        pass
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for name, value in limits.items():
        resource.setrlimit(getattr(resource, "RLIMIT_" + name), (value, value))
    signal.alarm(seconds)
    with socket.socket(fileno=connection) as stream, stream.makefile("rwb") as file:
        request = json.loads(file.readline(MAX_REQUEST_BYTES))
        os.chdir(request["directory"])
        os.environ["TMPDIR"] = os.environ["XDG_CACHE_HOME"] = request["directory"]
        # Half an emoji, as sites cut their titles, is no text that anybody else could read: it becomes a question mark.
        file.write(json.dumps(look(request["url"], options), ensure_ascii=False).encode(errors="replace"))


def look(url, options):
    complaints = Complaints()
    try:
        with yt_dlp.YoutubeDL({**options, "logger": complaints}) as ydl:
            return {"info": ydl.sanitize_info(ydl.extract_info(url, download=False))}
    except Exception as error:
        return {"error": complaints.text or f"ERROR: {error!r}"}


def main():
    settings = json.loads(sys.argv[1])
    control = socket.socket(fileno=os.dup(1))
    # Whatever is printed from here on must not look like an answer.
    os.dup2(2, 1)
    options = prepare(settings["argv"])
    if len(os.listdir("/proc/self/task")) != 1:
        sys.exit("more than one thread: forking would not be safe")
    # The kernel buries the children.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    ready = {"version": yt_dlp.version.__version__, "stamp": yt_dlp.version.__file__}
    control.sendall(json.dumps(ready).encode() + b"\n")
    while True:
        _, descriptors, _, _ = socket.recv_fds(control, 1, 2)
        if len(descriptors) != 2:
            return
        if os.fork() == 0:
            status = 1
            try:
                control.close()
                serve(*descriptors, settings["limits"], settings["seconds"], options)
                status = 0
            finally:
                os._exit(status)
        for descriptor in descriptors:
            os.close(descriptor)


main()
