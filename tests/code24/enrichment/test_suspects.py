"""An operator's lists of faked referrers and of data centres' networks."""

from pathlib import Path

import pytest

from code24.enrichment.suspects import (
    DATA_CENTRES,
    NO_SUSPECTS,
    REFERRERS,
    Suspects,
    lists_version,
    read_suspects,
)


@pytest.fixture
def lists(tmp_path: Path) -> Suspects:
    (tmp_path / REFERRERS).write_text(
        "\ufeff# a remark\nSemalt.com\n\nbuttons.example # more\nhttps://no/host\nx\n"
    )
    (tmp_path / DATA_CENTRES).write_text(
        "192.0.2.0/24 Example Cloud\n198.51.100.77 \n2001:db8::/32\tV6 Host\n"
        "not a network\n203.0.113.5/28\n"
    )
    return read_suspects(tmp_path)


@pytest.mark.parametrize(
    ("referrer", "found"),
    [
        ("https://semalt.com/crawler?u=shop", "semalt.com"),
        ("http://12.SEMALT.com.", "semalt.com"),
        ("https://buttons.example:8080/", "buttons.example"),
        ("https://notsemalt.com/", None),
        ("https://shop.example/?from=semalt.com", None),
        ("https://com/", None),
        ("https://[broken", None),
        ("semalt.com", None),
        ("", None),
        (None, None),
    ],
)
def test_a_listed_host_and_its_subdomains_are_faked(
    lists: Suspects, referrer: str | None, found: str | None
) -> None:
    reason = None if found is None else f"referrer-spam: {found}"
    assert lists.referrer_reason(referrer) == reason


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.9", "Example Cloud"),
        ("::ffff:192.0.2.9", "Example Cloud"),
        ("198.51.100.77", "listed"),
        ("198.51.100.78", None),
        ("2001:db8:7::1", "V6 Host"),
        ("2001:db9::1", None),
        ("203.0.113.15", "listed"),
        ("203.0.113.16", None),
        ("unknown", None),
    ],
)
def test_an_address_is_looked_for_in_networks_of_every_size(
    lists: Suspects, address: str, name: str | None
) -> None:
    reason = None if name is None else f"data-centre: {name}"
    assert lists.address_reason(address) == reason


def test_lines_that_are_no_entries_are_told_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / REFERRERS).write_bytes(b"\xff\xfe\nfine.example\na b.example\n")
    (tmp_path / DATA_CENTRES).write_text("300.1.1.1/8\n")
    assert read_suspects(tmp_path) == Suspects(frozenset({"fine.example"}), {})
    assert f"{REFERRERS}:1: left out" in caplog.text
    assert f"{REFERRERS}:3: left out" in caplog.text
    assert f"{DATA_CENTRES}:1: left out" in caplog.text


def test_without_lists_nobody_is_suspected(tmp_path: Path) -> None:
    assert read_suspects(tmp_path) == NO_SUSPECTS
    before = lists_version(tmp_path)
    (tmp_path / REFERRERS).write_text("a.example")
    assert lists_version(tmp_path) != before
