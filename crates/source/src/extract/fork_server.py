"""Imports yt-dlp once and looks at one link per forked child. Run as: python -I -c THIS OPTIONS, with OPTIONS a JSON object:

    argv          yt-dlp's command line, without a link
    limits        resource limits of a child, by the names of setrlimit(2)
    readable      what a child may read, besides its directory
    port          where the proxy is
    variables     by which names a child knows the proxy
    seconds       the longest that a child may live, of the clock and of the processor
    list_seconds  the same for a child that hands out a list
    pruned        what nobody wants of an info

Standard output is a socket. When everything is imported, one line of JSON goes out on it ({"version", "stamp"}). Each byte that then
comes in carries two descriptors: a connection, and the read end of a pipe that the asker holds open. The child reads one line of JSON
({"url", "item", "directory", "proxy"}) from the connection and answers in lines of JSON, each an object of one key. Either

    info     the media behind the link; or behind the item of this number, counted from 1, when one was named
    missing  there is no such item
    error    yt-dlp's complaint

or, of a list, one `list`, an `entry` for each of its places, in the site's order, and `end` or `error`. The entries are read from the
site as the asker reads them from the connection: whoever stops reading stops the site's pages as well. No item is visited. An answer that
ends otherwise means that the child died: it went over a limit.

When the asker hangs up or dies, the kernel kills the child's process group (the pipe is set to send SIGKILL when it closes).
The server itself touches nothing that comes from outside, and has exactly one thread: only then is forking safe.
"""

import functools
import gc
import inspect
import itertools
import json
import signal

# They write tags and read browsers' cookies, of which there are none here: 3 MB.
sys.modules["mutagen"] = sys.modules["sqlite3"] = None

import yt_dlp
from yt_dlp.extractor import gen_extractor_classes
from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.globals import plugin_dirs
from yt_dlp.networking import common as networking
from yt_dlp.plugins import load_all_plugins
from yt_dlp.postprocessor import FFmpegPostProcessor
from yt_dlp.utils import LazyList, PagedList, YoutubeDLError, sanitize_url

MAX_REQUEST_BYTES = 64 * 1024
MAX_ERROR_CHARS = 64 * 1024
# Of one field of an entry. One more than a link may have: a link that is cut must not pass for a whole one.
MAX_FIELD_CHARS = 8 * 1024 + 1
# How much of a list lies ready in the socket; the kernel doubles it.
LIST_BUFFER_BYTES = 8 * 1024
ENTRY_FIELDS = ("_type", "url", "ie_key", "webpage_url", "title", "thumbnail", "duration")
LIST_FIELDS = ("id", "extractor_key", "webpage_url", "title", "thumbnail", "playlist_count")
ORIGIN_FIELDS = ("extractor", "extractor_key", "webpage_url", "webpage_url_basename", "webpage_url_domain")


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


class Looker(yt_dlp.YoutubeDL):
    """Follows a link from page to page as yt-dlp does, but stops in front of a list instead of walking through it."""

    def process_ie_result(self, ie_result, download=True, extra_info=None):
        if ie_result.get("_type") == "compat_list":
            ie_result["_type"] = "playlist"
        return ie_result if is_list(ie_result) else super().process_ie_result(ie_result, download, extra_info)


def is_list(info):
    # What yt-dlp would play as one piece is a list as well.
    return isinstance(info, dict) and info.get("_type") in ("playlist", "multi_video")


def is_media(info):
    return isinstance(info, dict) and info.get("_type", "video") == "video"


def prepare(argv):
    """The one that looks at links, with everything done that is the same for all of them. Each child looks with its own copy, once."""
    parsed = yt_dlp.parse_options(argv)
    FFmpegPostProcessor._ffmpeg_location.set(parsed.options.ffmpeg_location)
    plugin_dirs.value = parsed.options.plugin_dirs
    load_all_plugins()
    # Compiles every extractor's pattern, and imports what is imported late.
    for extractor in gen_extractor_classes():
        extractor.suitable("https://nothing.invalid/")
    passed_over = without_embeds()
    for extractor in gen_extractor_classes():
        if extractor.ie_key() in passed_over:
            extractor.extract_from_webpage = no_embeds
    options = {**parsed.ydl_opts, "quiet": True, "no_warnings": True, "noprogress": True, "ignoreerrors": False}
    ydl = Looker({**options, "logger": Complaints()})
    # Imports those extractors that do look, and compiles what they look for.
    ydl.get_info_extractor("Generic")._extract_embeds("https://nothing.invalid/", "")
    # Reads the certificates, once and for all ways to fetch.
    networking.make_ssl_context = functools.cache(networking.make_ssl_context)
    for handler in ydl._request_director.handlers.values():
        handler._make_sslcontext()
    return ydl


def without_embeds():
    """The extractors that find nothing in foreign pages, whatever the page: nine in ten.

    yt-dlp asks every extractor about every page that it does not know, and an extractor has to be imported to be asked: half a second
    and 15 MB in every child, or 20 MB here. So it is found out once, in a child that then goes, with all that it has imported.
    """
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            silent = [ie.ie_key() for ie in gen_extractor_classes() if is_lazy(ie) and is_silent(ie.real_class)]
            with os.fdopen(writer, "w") as file:
                json.dump(silent, file)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        # Should the child have failed, everybody is asked.
        said = file.read()
    os.wait()
    return set(json.loads(said or "[]"))


def is_lazy(extractor):
    return "real_class" in dir(extractor)


def is_silent(extractor):
    """Has it neither a pattern to look for nor a way of its own to look?"""
    ways = ("extract_from_webpage", "_extract_from_webpage", "_extract_embed_urls")
    own = any(inspect.getattr_static(extractor, way) is not inspect.getattr_static(InfoExtractor, way) for way in ways)
    return not own and not extractor._EMBED_REGEX


def no_embeds(ydl, url, webpage):
    return iter(())


def serve(connection, tether, settings, ydl):
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
    seconds, list_seconds = settings["seconds"], max(settings["seconds"], settings["list_seconds"])
    # All children together may have as many processes as the server was given.
    limit({name: value for name, value in settings["limits"].items() if name != "CPU"}, apart=False)
    # The soft limit of the processor's time rises when there is a list to hand out.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, list_seconds))
    signal.alarm(seconds)
    with socket.socket(fileno=connection) as stream, stream.makefile("rwb") as file:

        def say(word, value=None):
            # Half an emoji, as sites cut their titles, is no text that anybody else could read: it becomes a question mark.
            file.write(json.dumps({word: value}, ensure_ascii=False).encode(errors="replace") + b"\n")
            file.flush()

        def take_time():
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LIST_BUFFER_BYTES)
            resource.setrlimit(resource.RLIMIT_CPU, (list_seconds, list_seconds))
            signal.alarm(list_seconds)

        request = json.loads(file.readline(MAX_REQUEST_BYTES))
        directory = request["directory"]
        os.chdir(directory)
        os.environ["TMPDIR"] = os.environ["XDG_CACHE_HOME"] = directory
        os.environ.update({name: request["proxy"] for name in settings["variables"]})
        confine(settings["readable"], [directory], settings["port"])
        # Both were made before there was a proxy.
        for made_before in ("proxies", "_request_director"):
            vars(ydl).pop(made_before, None)
        try:
            look(ydl, request["url"], request["item"], settings["pruned"], say, take_time)
        except Exception as error:
            said = str(error) if isinstance(error, YoutubeDLError) else repr(error)
            say("error", ydl.params["logger"].text or f"ERROR: {said[:MAX_ERROR_CHARS]}")


def look(ydl, url, item, pruned, say, take_time):
    """Says what is behind the link, or behind one item of it."""
    found = ydl.extract_info(url, download=False)
    if item is not None:
        found = pick(ydl, found, item)
        if found is None:
            return say("missing")
    if is_list(found):
        alone, entries = look_ahead(walk(found))
        if not is_media(alone):
            take_time()
            say("list", brief(found, LIST_FIELDS, playlist_count=announced(found)))
            for place, entry in enumerate(entries, 1):
                say("entry", brief(entry, ENTRY_FIELDS, playlist_index=place))
            return say("end")
        found = process(ydl, found, alone)
    if found is not None:
        found = ydl.sanitize_info({key: value for key, value in found.items() if key not in pruned})
    say("info", found)


def pick(ydl, found, item):
    """The item of this number. The others are not looked at."""
    if not is_list(found):
        return found if item == 1 else None
    entry = next(itertools.islice(walk(found), item - 1, None), None)
    return process(ydl, found, entry) if isinstance(entry, dict) else None


def look_ahead(entries):
    """The only entry, if there is exactly one; and all entries. What goes wrong with the second is raised in its place."""
    ahead, broken = list(itertools.islice(entries, 1)), None
    try:
        ahead += itertools.islice(entries, 1)
    except Exception as error:
        broken = error

    def all_of_them():
        yield from ahead
        if broken is not None:
            raise broken
        yield from entries

    return ahead[0] if len(ahead) == 1 and broken is None else None, all_of_them()


def walk(found):
    """The entries, one after another. yt-dlp's own lists keep every entry that they ever handed out; these do not."""
    entries = found.get("entries") or ()
    if isinstance(entries, PagedList):
        entries._use_cache = False
        return entries._getslice(0, None)
    if isinstance(entries, LazyList) and not entries._reversed:
        return itertools.chain(entries._cache, entries._iterable)
    return iter(entries)


def process(ydl, found, entry):
    """What an entry leads to, with what it takes over from its list."""
    entry["__x_forwarded_for_ip"] = found.get("__x_forwarded_for_ip")
    origin = {key: found[key] for key in ORIGIN_FIELDS if found.get(key)}
    return ydl.process_ie_result(entry, download=False, extra_info=origin)


def announced(found):
    entries = found.get("entries")
    return found.get("playlist_count") or (len(entries) if isinstance(entries, list) else None)


def brief(info, fields, **more):
    """These fields, as far as they are of a sensible size."""
    if not isinstance(info, dict):
        return more
    words = {key: info.get(key) for key in fields} | more
    pictures = info.get("thumbnails")
    for picture in pictures if isinstance(pictures, list) and not words["thumbnail"] else ():
        # From worst to best: the last one stays.
        if isinstance(picture, dict) and str(picture.get("url")).startswith(("https://", "http://")):
            words["thumbnail"] = picture["url"]
    if isinstance(words.get("url"), str):
        words["url"] = sanitize_url(words["url"], scheme="https")
    text = {key: value[:MAX_FIELD_CHARS] for key, value in words.items() if isinstance(value, str)}
    numbers = {key: value for key, value in words.items() if isinstance(value, (int, float)) and abs(value) < 1e12}
    return text | numbers


def main():
    settings = json.loads(sys.argv[1])
    control = socket.socket(fileno=os.dup(1))
    # Whatever is printed from here on must not look like an answer.
    os.dup2(2, 1)
    ydl = prepare(settings["argv"])
    if len(os.listdir("/proc/self/task")) != 1:
        sys.exit("more than one thread: forking would not be safe")
    # Whatever is here stays. A collection in a child that went through it would write to every page of it, and so copy them all.
    gc.collect()
    gc.freeze()
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
                serve(*descriptors, settings, ydl)
                status = 0
            finally:
                os._exit(status)
        for descriptor in descriptors:
            os.close(descriptor)


main()
