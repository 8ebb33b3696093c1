"""Lists of every shape that yt-dlp's extractors return, for the tests. Each page that is read is a page that is fetched: the server counts."""

import itertools

from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.utils import InAdvancePagedList, LazyList, OnDemandPagedList

PAGES = 100
PAGE_SIZE = 50


class SluiceListsIE(InfoExtractor):
    _VALID_URL = r"(?P<base>http://127\.0\.0\.1:\d+)/lists/(?P<shape>\w+)"

    def _real_extract(self, url):
        self.base, shape = self._match_valid_url(url).group("base", "shape")
        more = {"playlist_count": PAGES * PAGE_SIZE, "thumbnails": [{"url": "javascript:x"}, {"url": f"{self.base}/list.jpg"}]}
        multi_video = shape == "multi"
        return self.playlist_result(getattr(self, shape)(), shape, f"A list: {shape}", multi_video=multi_video, **more)

    def page(self, number):
        self._download_webpage(f"{self.base}/lists-page/{number}", "list", note=False)
        for place in range(number * PAGE_SIZE + 1, (number + 1) * PAGE_SIZE + 1):
            yield self.url_result(f"{self.base}/item/{place}", title=f"Item {place}", duration=place)

    def generator(self):
        for number in range(PAGES):
            yield from self.page(number)

    def endless(self):
        for place in itertools.count(1):
            yield self.url_result(f"{self.base}/item/{place}", title=f"Item {place}")

    def lazy(self):
        return LazyList(self.generator())

    def paged(self):
        return OnDemandPagedList(self.page, PAGE_SIZE)

    def advance(self):
        return InAdvancePagedList(self.page, PAGES, PAGE_SIZE)

    def breaks(self):
        yield from self.page(0)
        self._download_webpage(f"{self.base}/busy", "list", note=False)

    def broken(self):
        self._download_webpage(f"{self.base}/busy", "list", note=False)
        yield from self.page(0)

    def hangs(self):
        yield from self.page(0)
        self._download_webpage(f"{self.base}/slow", "list", note=False)

    def empty(self):
        return []

    def junk(self):
        yield self.url_result("file:///etc/passwd")
        yield self.url_result(f"{self.base}/item/1", title="[Deleted video]")

    def one(self):
        yield self.url_result(f"{self.base}/clip.mp4")

    def circle(self):
        yield self.url_result(f"{self.base}/lists/circle2")

    def circle2(self):
        yield self.url_result(f"{self.base}/lists/circle")

    def multi(self):
        return [self.part("/clip.mp4"), self.part("/b.mp4")]

    def part(self, path, **more):
        return {"id": path[1:], "title": f"Part {path}", "url": self.base + path, "ext": "mp4", **more}

    def huge(self):
        self._download_webpage(f"{self.base}/lists-page/0", "list", note=False)
        return [self.part("/clip.mp4", description="x" * (17 << 20))]

    def nested(self):
        yield self.url_result(f"{self.base}/lists/multi", title="A list in a list")
        yield self.url_result(f"{self.base}/lists/paged", ie_key=SluiceListsIE.ie_key())
        yield self.url_result(f"{self.base}/lists/nested", title="Itself")

    def hostile(self):
        yield None
        yield self.url_result("file:///etc/passwd", title="a file")
        yield self.url_result("ytsearch5:cats", title="a search")
        yield self.url_result("javascript:alert(1)")
        yield self.url_result(f"{self.base}/item/5", title="[Private video]")
        # Item 1, at place 6.
        yield {"_type": "url", "url": f"{self.base}/item/6", "title": 5, "duration": -7, "thumbnail": "file:///x"}
        yield self.url_result(f"{self.base}/item/6", title="once more")
        # Longer than a line may be.
        yield self.url_result(f"{self.base}/item/8", title="x" * 1_000_000)
        yield self.url_result(f"{self.base}/item/9?{'x' * 20_000}", title="too long a link")
        yield None
        # At place 11, without a link of its own.
        yield self.part("/b.mp4", title="Half \ud83d", duration=-1)
        # At place 12, with a link that only its extractor understands.
        yield self.url_result(f"sluice-clip:{self.base}/clip.mp4", ie_key=SluiceClipIE.ie_key(), title="By name")


class SluiceClipIE(InfoExtractor):
    _VALID_URL = r"sluice-clip:(?P<url>.+)"

    def _real_extract(self, url):
        return {"id": "named", "title": "By name", "url": self._match_valid_url(url).group("url"), "ext": "mp4"}
