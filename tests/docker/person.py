"""Somebody who signs in through the consent page, as a browser does, and then uses the API."""

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar

TIMEOUT = 20


def sign_in(web, account):
    """Connects the practice account of that id; an error unless the page then shows somebody who is signed in."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with browser.open(f"{web}/login", timeout=TIMEOUT) as consent:
        page, address = consent.read().decode(), consent.url
    ticket = re.search(r'name="ticket" value="([^"]+)"', page).group(1)
    form = urllib.parse.urlencode({"ticket": ticket, "account": account, "decision": "allow"}).encode()
    action = urllib.parse.urljoin(address, "/oauth2/authorize")
    with browser.open(action, form, timeout=TIMEOUT) as home:
        assert home.url.startswith(web), f"the sign-in ended at {home.url}"
        assert "/logout" in home.read().decode(), "the page offers no way to sign out"


class Person:
    def __init__(self, web, token):
        self.web, self.token = web, token

    def call(self, method, path, body=None):
        request = urllib.request.Request(f"{self.web}/api/v1{path}", method=method)
        request.add_header("authorization", f"Bearer {self.token}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("content-type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}") from error

    def send(self, url, folder):
        return self.call("POST", "/jobs", {"url": url, "preset": "best", "folder": folder})["id"]

    def job(self, name):
        return self.call("GET", f"/jobs/{name}")
