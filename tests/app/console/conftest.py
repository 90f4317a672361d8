"""A home of its own for every test of the console, and the console over it."""

from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from code24.settings import Settings

MAIN = Path(__file__).parents[3] / "app" / "console" / "main.py"
TIMEOUT_SECONDS = 60

Open = Callable[..., AppTest]


@pytest.fixture
def home(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return settings whose home and ports the console reads from the environment."""
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    st.cache_resource.clear()
    return settings


@pytest.fixture
def visit(home: Settings) -> Open:  # noqa: ARG001 - sets the environment
    """Return a function that opens a view with the given address."""

    def visit(view: str, **address: str) -> AppTest:
        app = AppTest.from_file(MAIN, default_timeout=TIMEOUT_SECONDS)
        if view != "portfolio":
            app.run().switch_page(f"views/{view}.py")
        for name, value in address.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return visit


def said(app: AppTest) -> str:
    """Return all the words of a page in one text."""
    elements = (
        *app.title, *app.subheader, *app.markdown, *app.caption, *app.success,
        *app.warning, *app.info, *app.error, *app.text,
    )  # fmt: skip
    return "\n".join(str(element.value) for element in elements).replace("\\", "")


def figures(app: AppTest) -> dict[str, str]:
    """Return the metrics of a page by label."""
    return {metric.label: metric.value for metric in app.metric}
