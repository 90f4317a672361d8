"""Real pages on loopback, and what their visitors' browsers sent to the collector."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from app.tracker.tag import tag
from code24.contracts.event import Event
from code24.contracts.site import Site
from code24.settings import HOST, Settings
from tests.app.collector.serving import logged

PATIENCE_SECONDS = 30
HIDE = """() => {
  Object.defineProperty(document, "visibilityState", {
    configurable: true, get: () => "hidden" });
  document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
}"""
SHOW = """() => {
  delete document.visibilityState;
  document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
}"""
"""Another tab in front, and this one again; a browser without a screen has no tabs."""
Found = TypeVar("Found")


class Files(dict[str, tuple[bytes, dict[str, str]]]):
    """Bodies and headers by path, and the paths that were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []


@contextmanager
def pages() -> Iterator[tuple[str, Files]]:
    """Serve files from memory; give their origin and the files to fill."""
    files = Files()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            files.asked.append(path)
            body, headers = files.get(path, (b"", {}))
            self.send_response(200 if body else 404)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Say nothing: each request would be a line."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}", files
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Shop:
    """A site of its own for each test: its pages, its tag, its events."""

    browser: Browser
    settings: Settings
    site: Site
    origin: str
    files: Files
    idle: Page
    """An empty page to wait on: what the driver sees is told only meanwhile."""
    contexts: list[BrowserContext] = field(default_factory=list)

    @property
    def collector(self) -> str:
        """Return where the collector is."""
        return f"http://{HOST}:{self.settings.ports.collector}"

    @property
    def asked(self) -> list[str]:
        """Return the paths that browsers asked for."""
        return self.files.asked

    def tag(self, more: str = "") -> str:
        """Return the tag that the command line prints, with further attributes."""
        return tag(self.site, self.collector).replace("></", f" {more}></")

    def page(
        self,
        body: str = "<p>Hello</p>",
        attributes: str = "",
        *,
        name: str = "page",
        head: str = "",
        headers: dict[str, str] | None = None,
    ) -> str:
        """Put up a page with the tag; return its address."""
        html = (
            f"<!doctype html><html><head><title>The {name}</title>"
            f"{head}{self.tag(attributes)}</head><body>{body}</body></html>"
        )
        return self.file(f"{name}.html", html, "text/html", headers)

    def file(
        self, name: str, text: str, kind: str, headers: dict[str, str] | None = None
    ) -> str:
        """Put up a file; return its address."""
        path = f"/{self.site.site_id}/{name}"
        content_type = {"Content-Type": f"{kind}; charset=utf-8"}
        self.files[path] = (text.encode(), {**content_type, **(headers or {})})
        return self.origin + path

    def visitor(self, **options: Any) -> BrowserContext:
        """Return a browser that was never here before."""
        size: ViewportSize = {"width": 800, "height": 600}
        context = self.browser.new_context(viewport=size, **options)
        self.contexts.append(context)
        return context

    def events(self, name: str = "") -> list[Event]:
        """Return the site's events in the log, of one name where given."""
        own = (
            record.event
            for record in logged(self.settings)
            if record.event.site_id == self.site.site_id
        )
        return [event for event in own if name in ("", name_of(event))]

    def wait(self, name: str, count: int = 1) -> list[Event]:
        """Return the events of a name once there are so many."""
        return self.wait_until(lambda: self.events(name), lambda e: len(e) >= count)

    def wait_until(
        self, find: Callable[[], Found], is_enough: Callable[[Found], bool]
    ) -> Found:
        """Return what is found once it is enough."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_enough(found := find()):
            assert time.monotonic() < deadline, f"not yet: {found}"
            self.idle.wait_for_timeout(50)
        return found


def name_of(event: Event) -> str:
    """Return an interaction's name, the type of other events."""
    is_named = event.event_type == "interaction"
    return str(event.metadata["name"]) if is_named else event.event_type


def hold_clock(page: Page) -> None:
    """Stop the page's clock, so that time goes by only when a test says so."""
    page.clock.install()
    page.clock.pause_at(datetime.now(UTC) + timedelta(seconds=5))
