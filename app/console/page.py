"""What every page shares: loading, freshness, empty states, notices."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import polars as pl
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from app.console import frames, reading, wording
from app.console.control import Control, ControlError
from app.console.palette import CHIPS
from app.console.reading import Pointer, ReportError, Reports, ReportsAbsentError
from code24.settings import load

SITE_PAGE = "views/site.py"
TEST_PAGE = "views/test.py"
TESTS_PAGE = "views/tests.py"
APPROVALS_PAGE = "views/approvals.py"
ALL = "All"
AGAIN = "Delete the file `CURRENT` among the reports and publish anew with `make run`."
Columns = Mapping[str, ColumnConfig | str]


@st.cache_resource(max_entries=2, show_spinner=False)
def _read(current: Pointer) -> Reports:
    """Read once per published version; frames never change, so they are shared."""
    return reading.read(current)


def _version(found: Reports) -> tuple[str, bool]:
    return found.version, found.problem is None


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs={Reports: _version})
def portfolio(found: Reports) -> pl.DataFrame:
    """Return ``frames.portfolio``, made once per version of the reports."""
    return frames.portfolio(found)


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs={Reports: _version})
def tests_list(found: Reports) -> pl.DataFrame:
    """Return ``frames.tests_list``, made once per version of the reports."""
    return frames.tests_list(found)


def reports() -> Reports:
    """Return the reports; where there are none, say what to do and stop the page."""
    try:
        found = _read(reading.pointer(load().reports))
    except ReportsAbsentError:
        st.info(
            "**No reports yet.** Run `make run`: it takes the sample data through "
            "the whole loop and publishes the first reports. This page then fills "
            "by itself.",
            icon=":material/hourglass_empty:",
        )
        st.stop()
    except ReportError as error:
        st.error(
            f"**The reports cannot be read.** {wording.plain(str(error))}. {AGAIN}",
            icon=":material/error:",
        )
        st.stop()
    if found.problem:
        _say_last_good(found)
    return found


def _say_last_good(found: Reports) -> None:
    when = wording.moment(found.published_at)
    st.warning(
        f"**You see the last good reports, of {when}.** The newest cannot be read: "
        f"{wording.plain(found.problem or '')}. {AGAIN}",
        icon=":material/history:",
    )


@st.cache_data(ttl=5, max_entries=4, show_spinner=False)
def _waiting(platform_port: int) -> int:  # noqa: ARG001 - one count an address
    try:
        return Control(load()).waiting()
    except ControlError:
        return 0


def waiting() -> int:
    """Return how many decisions wait for approval; none where that is not told."""
    return _waiting(load().ports.platform)


def tell(said: str, *, is_done: bool) -> None:
    """Keep what became of a step until the page says it; what waits is counted anew."""
    _waiting.clear()
    st.session_state["told"] = said, is_done


def told() -> None:
    """Say, once, what became of the step that was just taken; where it was taken."""
    said, is_done = st.session_state.pop("told", ("", True))
    if said and is_done:
        st.success(said, icon=":material/check:")
    elif said:
        st.error(wording.plain(said), icon=":material/error:")


def freshness() -> None:
    """Say how fresh the reports are, and show new ones as soon as they are published.

    Only this line runs every five seconds; the page runs again when the pointer moves,
    or when another number of decisions waits.
    """
    try:
        current = reading.pointer(load().reports)
    except ReportError:
        st.caption("No reports yet", text_alignment="right")
        _rerun_when_changed((None, waiting()))
        return
    _rerun_when_changed((current, waiting()))
    written = datetime.fromtimestamp(current.written_ns / 1e9, tz=UTC)
    ago = wording.age(written, datetime.now(UTC))
    st.caption(
        f"Reports last changed {ago} · looks for new ones every 5 s",
        text_alignment="right",
    )


def _rerun_when_changed(current: tuple[Pointer | None, int]) -> None:
    shown = st.session_state.get("shown", current)
    st.session_state["shown"] = current
    if shown != current:
        st.rerun()


def choice(
    label: str, key: str, values: pl.Series, words: dict[str, str] | None = None
) -> str | None:
    """Offer a filter that stands in the address as ``key``; none where all are wanted.

    Options stand there as they are read on the page, ``?status=Running``.
    """
    known = values.drop_nulls().unique().sort().to_list()
    options = {(words or {}).get(value, value): value for value in known}
    picked = st.selectbox(label, [ALL, *options], key=key, bind="query-params")
    return options.get(picked or ALL)


def find(key: str, placeholder: str) -> str:
    """Offer a search that stands in the address as ``key``."""
    return st.text_input("Find", key=key, bind="query-params", placeholder=placeholder)


def chip(column: str) -> pl.Expr:
    """Return a column of words as the lists that ``chips`` shows, empty where null."""
    return pl.concat_list(pl.col(column)).list.drop_nulls().alias(column)


def chips(label: str, help_text: str | None = None) -> ColumnConfig:
    """Show a column of ``chip`` as words on a colour of their own."""
    return st.column_config.MultiselectColumn(
        label, help=help_text, options=list(CHIPS), color=list(CHIPS.values())
    )


def keep(frame: pl.DataFrame, **wanted: str | None) -> pl.DataFrame:
    """Keep the rows that have every wanted value; none wants nothing."""
    for column, value in wanted.items():
        if value is not None:
            frame = frame.filter(pl.col(column) == value)
    return frame


def search(frame: pl.DataFrame, columns: Sequence[str], text: str) -> pl.DataFrame:
    """Keep the rows where one of the columns holds the text, in any case."""
    if not text.strip():
        return frame
    sought = text.strip().lower()
    return frame.filter(
        pl.any_horizontal(
            pl.col(name).str.to_lowercase().str.contains(sought, literal=True)
            for name in columns
        )
    )


def height(frame: pl.DataFrame, row_height: int) -> int:
    """Return the height in pixels of a table, of 18 rows at most before it scrolls."""
    return row_height * min(frame.height, 18) + 36


def shown(frame: pl.DataFrame, limit: int, thing: str) -> pl.DataFrame:
    """Cut to what is drawn at once, and say so."""
    if frame.height > limit:
        st.caption(
            f"The first {limit:,} of {frame.height:,} {thing}; narrow the filter "
            "to see the others."
        )
    return frame.head(limit)


def open_clicked(frame: pl.DataFrame, event: object, column: str, target: str) -> None:
    """Go to the page of the row that was clicked, if one was.

    Its ``id`` stands in the address under a name that no filter has: Streamlit takes
    a filter's name out of the address when its page is left.
    """
    selection = getattr(event, "selection", None)
    cells = selection["cells"] if selection and "cells" in selection else []
    if cells:
        st.switch_page(target, query_params={"id": str(frame[column][cells[0][0]])})
