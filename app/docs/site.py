"""A static server over the folder that ``make up`` builds the documentation into."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

ABSENT = """<!doctype html>
<html lang="en-GB">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Code24 documentation</title>
<style>
body {{ font: 1.05rem/1.6 system-ui, sans-serif; max-width: 38rem; margin: 18vh auto;
  padding: 0 1.5rem }}
code {{ background: #7d889633; padding: .15em .45em; border-radius: .3em }}
</style>
<h1>{title}</h1>
<p>{text}</p>
"""
NOT_BUILT = """The {what} is built by <code>make up</code> when it starts, and again
whenever its sources have changed. Reload this page once that is done."""
NOT_FOUND = """The documentation holds no page at this address. Start at
<a href="/">the manual</a> or at <a href="/dbt/">the dbt docs</a>."""


def create(folder: Path) -> Starlette:
    """Return the server of ``folder``: the manual, and in ``dbt`` the dbt docs.

    The folder is made where absent, so that what is built later is served at once.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return Starlette(
        routes=[
            Route("/health", _health),
            Mount("/", StaticFiles(directory=folder, html=True)),
        ],
        exception_handlers={404: _explain_for(folder)},
    )


def _explain_for(folder: Path) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Return a handler that tells what is not built from what does not exist."""

    async def explain(request: Request, _error: Exception) -> Response:
        is_dbt = request.url.path.startswith("/dbt")
        part = folder / "dbt" if is_dbt else folder
        if (part / "index.html").is_file():
            return _page("No such page", NOT_FOUND)
        what = "dbt documentation" if is_dbt else "manual"
        return _page("Not built yet", NOT_BUILT.format(what=what))

    return explain


async def _health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _page(title: str, text: str) -> HTMLResponse:
    return HTMLResponse(ABSENT.format(title=title, text=text), status_code=404)
