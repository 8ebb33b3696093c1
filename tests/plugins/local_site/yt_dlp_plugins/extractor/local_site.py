"""Extractors for the tests' media site: pages whose formats come as a list, separate video and audio.

The shapes follow what yt-dlp's own extractor of the largest video site returns, so that everything behind the extraction
meets the same containers, sizes that are only approximate, and chunk sizes. For tests only: never part of the product.
"""

import functools
import urllib.parse

from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.utils import OnDemandPagedList, float_or_none, int_or_none, mimetype2ext, parse_codecs, traverse_obj

# The site throttles longer requests.
CHUNK_SIZE = 10 << 20


class LocalSiteIE(InfoExtractor):
    _VALID_URL = r'https?://[^/?#]+:\d+/yt/(?P<id>[\w-]+)/?(?:[?#]|$)'

    def _real_extract(self, url):
        video_id = self._match_id(url)
        player = self._download_json(
            urllib.parse.urljoin(url, f'/yt/{video_id}/player.json'), video_id, 'Downloading the list of formats')
        details, streaming = player['videoDetails'], player['streamingData']
        duration = int_or_none(details.get('lengthSeconds'))
        progressive = [self._format(entry, duration) for entry in streaming.get('formats') or []]
        adaptive = [self._adaptive(entry, duration) for entry in streaming.get('adaptiveFormats') or []]
        return {
            'id': video_id,
            'title': details['title'],
            'uploader': details.get('author'),
            'duration': duration,
            'thumbnails': details.get('thumbnails'),
            'formats': progressive + adaptive,
        }

    def _format(self, entry, duration):
        mime, _, codecs = entry['mimeType'].partition(';')
        tbr = float_or_none(entry.get('bitrate'), 1000)
        return {
            'format_id': str(entry['itag']),
            'url': entry['url'],
            'ext': {'audio/mp4': 'm4a'}.get(mime) or mimetype2ext(mime),
            'width': int_or_none(entry.get('width')),
            'height': int_or_none(entry.get('height')),
            'format_note': entry.get('qualityLabel'),
            'tbr': tbr,
            'filesize': int_or_none(entry.get('contentLength')),
            'filesize_approx': int_or_none(tbr and duration and tbr * 1000 / 8 * duration),
            **parse_codecs(traverse_obj(codecs, {lambda text: text.split('"')[1]})),
        }

    def _adaptive(self, entry, duration):
        found = self._format(entry, duration)
        return {
            **found,
            'container': f'{found["ext"]}_dash',
            'downloader_options': {'http_chunk_size': CHUNK_SIZE},
        }


class LocalSitePlaylistIE(InfoExtractor):
    _VALID_URL = r'https?://[^/?#]+:\d+/ytlist/(?P<id>[\w-]+)/?(?:[?#]|$)'

    def _real_extract(self, url):
        playlist_id = self._match_id(url)
        playlist = self._download_json(urllib.parse.urljoin(url, f'/ytlist/{playlist_id}/list.json'), playlist_id)
        return self.playlist_result([
            self.url_result(urllib.parse.urljoin(url, f'/yt/{video_id}'), LocalSiteIE, video_id)
            for video_id in playlist['videos']
        ], playlist_id, playlist['title'])


class LocalSitePagesIE(InfoExtractor):
    """A playlist that comes page by page: a page is fetched when somebody wants an entry of it."""

    _VALID_URL = r'https?://[^/?#]+:\d+/ytpages/(?P<id>[\w-]+)/?(?:[?#]|$)'
    _PAGE_SIZE = 100

    def _real_extract(self, url):
        playlist_id = self._match_id(url)
        first = self._page(url, playlist_id, 0)
        entries = OnDemandPagedList(functools.partial(self._entries, url, playlist_id, first), self._PAGE_SIZE)
        return self.playlist_result(entries, playlist_id, first['title'])

    def _page(self, url, playlist_id, number):
        return self._download_json(
            urllib.parse.urljoin(url, f'/ytpages/{playlist_id}/{number}.json'), playlist_id, f'Downloading page {number}')

    def _entries(self, url, playlist_id, first, number):
        page = self._page(url, playlist_id, number) if number else first
        for video_id in page['videos']:
            yield self.url_result(urllib.parse.urljoin(url, f'/yt/{video_id}'), LocalSiteIE, video_id)
