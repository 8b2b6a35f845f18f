"""The browser finds the panel, and the process list does not show the token."""

import threading
import urllib.error
import urllib.request

import pytest

from bridge_server.cli import panel_link
from bridge_server.cli.panel_link import open_privately

ADDRESS = "http://127.0.0.1:9125/?token=sesame"


class Stay(urllib.request.HTTPRedirectHandler):
    """Goes nowhere."""

    def redirect_request(self, *_):
        return None


def status_of(url):
    """Status and Location of a GET."""
    opener = urllib.request.build_opener(Stay, urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=30) as answer:
            return answer.status, answer.headers["Location"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Location"]


@pytest.fixture
def browser(monkeypatch):
    """A browser that asks for `urls(address)` one after the other; what it got, once it has finished."""

    def made(urls):
        seen, threads = [], []

        def start(address):
            thread = threading.Thread(
                target=lambda: seen.extend((url, *status_of(url)) for url in urls(address))
            )
            threads.append(thread)
            thread.start()

        def finished():
            for thread in threads:
                thread.join()
            return seen

        monkeypatch.setattr(panel_link.webbrowser, "open", start)
        return finished

    return made


def test_the_browser_is_led_on_to_the_panel(browser):
    finished = browser(lambda address: [address])
    assert open_privately(ADDRESS)
    ((url, status, location),) = finished()
    assert "sesame" not in url
    assert url.startswith("http://127.0.0.1:")
    assert (status, location) == (302, ADDRESS)


def test_another_page_gets_nothing(browser):
    finished = browser(lambda address: [address.rpartition("/")[0] + "/favicon.ico", address])
    assert open_privately(ADDRESS)
    assert [(status, location) for _, status, location in finished()] == [(404, None), (302, ADDRESS)]


def test_no_browser_is_no_error(monkeypatch):
    monkeypatch.setattr(panel_link, "PATIENCE", 0.05)
    monkeypatch.setattr(panel_link.webbrowser, "open", lambda _: False)
    assert not open_privately(ADDRESS)
