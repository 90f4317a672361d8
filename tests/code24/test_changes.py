"""Hostile changes are refused, and the reason names the change and the operation."""

from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from code24.changes import (
    MAX_OPERATIONS,
    PLAIN_ATTRIBUTES,
    UNTOUCHABLE,
    ChangeError,
    validate,
)
from code24.contracts.change import (
    AddClass,
    AnyOperation,
    Attribute,
    Change,
    Match,
    Remove,
    Text,
)

HOST = "shop.example"


def change(
    *ops: AnyOperation, host: str = HOST, path: str = "*", **more: Any
) -> Change:
    return Change(id="c1", match=Match(host=host, path=path), ops=ops, **more)


def text(sel: str, value: str = "Buy now") -> Text:
    return Text(sel=sel, value=value)


def attribute(name: str, value: str, sel: str = "h1") -> Attribute:
    return Attribute(sel=sel, name=name, value=value)


def link(value: str) -> Attribute:
    return attribute("href", value, "a.buy")


def refuse(operation: AnyOperation, told: str = "") -> None:
    with pytest.raises(ChangeError, match=rf"^change 'c1': operation 0: .*{told}") as e:
        validate(change(operation))
    assert "\n" not in str(e.value)


def test_an_ordinary_change_passes_unchanged() -> None:
    proposed = change(
        text("main > h1.title", "Fish & <chips> – “fresh” 🐟"),
        text("button#buy", "Add to basket"),
        link("/checkout?from=a&b=c#top"),
        link("https://shop.example/sale"),
        link("mailto:hello@shop.example"),
        link("tel:+49-30-123"),
        attribute("src", "/img/a.avif", "img.hero"),
        attribute("srcset", "/a.avif 1x, /b.avif 2x", "picture source"),
        attribute("alt", "A fish", "img[data-n='1']"),
        attribute("aria-label", "Search", "input[name=q]"),
        attribute("content", "Fresh fish", 'meta[name="description"]'),
        AddClass(sel="p[lang|=en]", value="code24-bold"),
        Remove(sel="div.banner"),
        path="/fish/*",
        requires={"h1.title": 1, "div.banner": 0},
    )
    assert validate(proposed) is proposed


@pytest.mark.parametrize("name", ["onclick", "ONLOAD", "onfocusin", "on"])
def test_handlers_are_refused(name: str) -> None:
    refuse(attribute(name, "alert(1)"), "may not be set")


@pytest.mark.parametrize(
    "name",
    [
        *(
            "style",
            "srcdoc",
            "STYLE",
            "action",
            "formaction",
            "method",
            "form",
            "value",
        ),
        *(
            "type",
            "name",
            "autocomplete",
            "http-equiv",
            "background",
            "ping",
            "xlink:href",
        ),
        *(
            "is",
            "slot",
            "nonce",
            "integrity",
            "data-bind",
            "v-html",
            "x-on:click",
            "@click",
        ),
        *(
            "class",
            "id",
            "manifest",
            "dynsrc",
            "",
            "alt ",
            "alt=",
            'a"',
            "href\x00",
            "Href",
        ),
    ],
)
def test_attributes_outside_the_set_are_refused(name: str) -> None:
    refuse(attribute(name, "/x", "a.buy"), "may not be set")


@pytest.mark.parametrize(
    "value",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "java\tscript:alert(1)",
        "\x01javascript:alert(1)",
        "javascript&#58;alert(1)",
        "javascript&colon;alert(1)",
        "/&sol;evil.example",
        "&Tab;//evil.example",
        "javascript\u200b:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "blob:https://shop.example/1",
        "file:///etc/passwd",
        "view-source:x",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "https:evil.example",
        "https:/evil.example",
        "https:///evil.example",
        "https://evil.example",
        "https://shop.example@evil.example/",
        "https://shop.example:pw@evil.example/",
        "https://shop.example.evil.example",
        "https://evilshop.example",
        "https://shop.example:8443/",
        "https://shop.example\\.evil.example",
        "https://shop%2eexample@evil.example",
        "https://ｓhop.example",
        "ftp://shop.example",
        "mailto:a@b?bcc=all@c",
        "tel:1;evil",
        "a:b",
        '/"onclick=alert(1)',
        "/<script>",
    ],
)
def test_addresses_that_lead_elsewhere_are_refused(value: str) -> None:
    refuse(link(value))
    refuse(attribute("src", value, "img.hero"))
    refuse(attribute("srcset", f"/a.avif 1x, {value} 2x", "img.hero"))


@given(st.text(alphabet="ahtps:/\\@.?#-\t %shop.example", max_size=40))
def test_an_address_that_passes_stays_on_the_host(value: str) -> None:
    try:
        validate(change(link(value)))
    except ChangeError:
        return
    found = urlsplit(urljoin(f"https://{HOST}/page/", value))
    assert found.scheme in {"http", "https"}
    assert found.hostname == HOST


def test_more_hosts_may_be_allowed() -> None:
    proposed = change(link("https://pay.example/x"))
    assert validate(proposed, hosts=["pay.example"]) is proposed
    with pytest.raises(ChangeError, match=r"'pay\.example'; allowed are shop\.example"):
        validate(proposed)


@pytest.mark.parametrize(
    ("name", "sel"),
    [
        *(("href", sel) for sel in ("link", "base", ".buy", "use", "area-x")),
        *(("src", sel) for sel in ("script", "iframe", ".hero", "#x", "input.y")),
        *(("content", sel) for sel in ("meta", "h1", "meta[name]", "meta.a")),
        ("content", 'meta[http-equiv="refresh"]'),
        ("content", 'meta[name="a"][http-equiv="refresh"]'),
    ],
)
def test_an_attribute_is_set_only_where_it_belongs(name: str, sel: str) -> None:
    refuse(attribute(name, "/x", sel))


@pytest.mark.parametrize("tag", sorted(UNTOUCHABLE))
def test_code_and_embedded_documents_are_left_alone(tag: str) -> None:
    for sel in (tag, tag.upper(), f"div > {tag}#x.y"):
        refuse(text(sel, "alert(1)"), "may not be changed")
        refuse(Remove(sel=sel), "may not be changed")


@pytest.mark.parametrize(
    "sel",
    [
        "input",
        "form",
        "select",
        "button",
        "input[required]",
        "[type]",
        '[type^="pass"]',
        'input[name*="ard"]',
        'input[type="password"]',
        "INPUT[TYPE=Password]",
        "#newPassword",
        ".user_pwd",
        'input[autocomplete="cc-number"]',
        'input[autocomplete="one-time-code"]',
        "#cardNumber",
        "input#cvc",
        ".cvvInput",
        "#IBAN",
        "form.payment",
        "div#payment input.x",
        ".credit-card",
        "stripe-element.a",
        "my-password",
        "input.x[name=pin]",
    ],
)
def test_password_and_payment_fields_are_left_alone(sel: str) -> None:
    for operation in (
        text(sel),
        Remove(sel=sel),
        AddClass(sel=sel, value="x"),
        attribute("placeholder", "x", sel),
    ):
        refuse(operation, "password")


@pytest.mark.parametrize(
    "sel",
    [".footprint", ".hotpink", "#acc-1", ".table-striped", ".urban", "input#email"],
)
def test_likely_names_are_no_fields(sel: str) -> None:
    validate(change(AddClass(sel=sel, value="x")))


@pytest.mark.parametrize("sel", ["html", "body.x", "head", "main", "form#search"])
def test_the_page_itself_stays(sel: str) -> None:
    refuse(Remove(sel=sel), "may not be removed")
    refuse(text(sel), "may not be removed")


@pytest.mark.parametrize(
    "value", ["", "a b", "a\n", "1a", 'a"', "a{}", "x" * 65, "a;b", "é"]
)
def test_one_class_is_one_name(value: str) -> None:
    refuse(AddClass(sel="h1", value=value), "is not one class name")


@pytest.mark.parametrize("bad", ["\x00", "\x1b[2J", "\u202e", "\x85", "\uffff"])
def test_text_holds_no_hidden_commands(bad: str) -> None:
    refuse(text("h1", f"a{bad}b"), "holds the character")
    refuse(attribute("title", f"a{bad}b"), "holds the character")


def test_text_is_text_and_never_markup() -> None:
    hostile = "</h1><script>alert(1)</script><img src=x onerror=alert(1)>"
    kept = validate(change(text("h1", hostile))).ops[0]
    assert kept == text("h1", hostile)


def test_sizes_are_bounded() -> None:
    refuse(text("h1", "x" * 5_001), "5001 characters")
    refuse(attribute("title", "x" * 2_001), "2001 characters")
    with pytest.raises(ChangeError, match="0 operations"):
        validate(change())
    with pytest.raises(ChangeError, match=f"{MAX_OPERATIONS + 1} operations"):
        validate(change(*[text("h1")] * (MAX_OPERATIONS + 1)))
    with pytest.raises(ChangeError, match="bytes"):
        validate(change(text("h1"), provenance={"note": "x" * 70_000}))


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (change(text("h1"), host="evil/../x"), "match.host"),
        (change(text("h1"), host="shop.example\n"), "match.host"),
        (change(text("h1"), host=""), "match.host"),
        (change(text("h1"), path="shop"), "match.path"),
        (change(text("h1"), path="/a b"), "match.path"),
        (change(text("h1"), path="/a\n"), "match.path"),
        (change(text("h1"), v=2), "v is 2"),
        (change(text("h1"), requires={"h1": -1}), "no count"),
        (change(text("h1"), provenance={"a": "\ud800"}), "half a character"),
    ],
)
def test_a_broken_frame_is_named(broken: Change, told: str) -> None:
    with pytest.raises(ChangeError, match=f"^change 'c1': .*{told}"):
        validate(broken)


def test_one_bad_operation_refuses_the_whole_change() -> None:
    with pytest.raises(ChangeError, match="'c1': operation 1: attribute 'onclick'"):
        validate(change(text("h1"), attribute("onclick", "x")))


@given(
    st.lists(
        st.one_of(
            st.builds(text, st.text(max_size=20), st.text(max_size=20)),
            st.builds(
                attribute,
                st.sampled_from(sorted(PLAIN_ATTRIBUTES)) | st.text(max_size=9),
                st.text(max_size=20),
                st.sampled_from(("h1", "a.x", "img", "input#q")) | st.text(max_size=9),
            ),
        ),
        max_size=3,
    )
)
def test_any_change_passes_unchanged_or_is_refused_in_one_way(
    ops: list[AnyOperation],
) -> None:
    proposed = change(*ops)
    try:
        assert validate(proposed) is proposed
    except ChangeError as error:
        assert str(error).startswith("change 'c1': ")  # noqa: PT017
