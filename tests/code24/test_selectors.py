"""Selectors are read whole, in little time, or refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from code24.changes import ChangeError, validate
from code24.contracts.change import Change, Match, Text
from code24.selectors import (
    MAX_COMPOUNDS,
    MAX_LENGTH,
    Compound,
    Condition,
    SelectorError,
    parse,
)


def change(sel: str, **more: Any) -> Change:
    ops = (Text(sel=sel, value="Buy now"),)
    return Change(id="c1", match=Match(host="shop.example"), ops=ops, **more)


def test_a_selector_is_read_into_what_each_element_must_be() -> None:
    assert parse("MAIN > a#b.c.d [Data-X] p[lang|='en'][q=r]") == (
        Compound("main"),
        Compound("a", ("b",), ("c", "d")),
        Compound(None, conditions=(Condition("data-x"),)),
        Compound(
            "p", conditions=(Condition("lang", "|=", "en"), Condition("q", "=", "r"))
        ),
    )


@pytest.mark.parametrize(
    "selector",
    [
        "a,b",
        "a + b",
        "a ~ b",
        "*",
        "div *",
        "a:hover",
        "p::before",
        "div:has(a)",
        "a >",
        "> a",
        " a",
        "a ",
        "a > > b",
        "a\nb",
        "a\tb",
        "a\\62",
        ".1a",
        "#",
        ".",
        "[",
        "[]",
        "[a=]",
        '[a="b]',
        '[a="b\\"]',
        "[a=b i]",
        "a{}",
        "a/**/b",
        "a<b",
        "</style>",
        "é",
        "a..b",
        "a\x00",
        "a" * (MAX_LENGTH + 1),
        " ".join(["a"] * (MAX_COMPOUNDS + 1)),
        "",
    ],
)
def test_other_selectors_are_refused(selector: str) -> None:
    with pytest.raises(SelectorError, match="selector"):
        parse(selector)
    with pytest.raises(ChangeError, match="operation 0: selector"):
        validate(change(selector))
    with pytest.raises(ChangeError, match="selector"):
        validate(change("h1", requires={selector: 1}))


@given(st.text(max_size=60))
def test_reading_a_selector_ends_in_compounds_or_one_error(selector: str) -> None:
    try:
        assert parse(selector)
    except SelectorError as error:
        assert len(str(error)) < 400  # noqa: PT017 - both ends are sound


@given(st.text(alphabet="aB1.#[]=\"'~|^$*>:- ", min_size=1, max_size=30))
def test_what_is_read_is_the_whole_selector(selector: str) -> None:
    try:
        compounds = parse(selector)
    except SelectorError:
        return
    parts = sum(
        len(c.ids) + len(c.classes) + len(c.conditions) + bool(c.tag) for c in compounds
    )
    assert parts >= len(compounds)
    assert parse(f"{selector} b")[:-1] == compounds


def test_a_selector_takes_little_time_whatever_it_is() -> None:
    for selector in ("[" * 500, "a" + " " * 500, "[a=" + " " * 500, ".a-" * 128):
        with pytest.raises(SelectorError):
            parse(f"{selector}!")
