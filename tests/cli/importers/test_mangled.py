"""Files in any state: what can be read is taken, the rest refused, nothing breaks."""

import gzip
import json
import tracemalloc
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.importers import registry
from cli.importers.importer import (
    BadRow,
    EventRow,
    ImportFileError,
    ImportItem,
    Request,
)
from cli.importers.lines import LONGEST_LINE
from cli.importers.transfer import outcome
from code24.contracts.event import DeadLetter
from tests.cli.importers import samples
from tests.cli.importers.test_transfer import line

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TEXT_FORMATS = sorted(samples.FILES)
WHOLE = 20
OPTIONS = {"unit": "a", "variant": "b", "converted": "c", "variants": "x,y"}


JUNK = (
    *(b"\x00", b"\xff\xfe", b'"', b"\n", b"\r\n", b"\t", b",", b"{", b"}]"),
    *(b"[" * 200, b"\xef\xbb\xbf", b"\\", b"-1e999", b"null", b"x" * 500),
)
NOTHING = {
    "empty": b"",
    "blank": b"\n\n\n",
    "zeros": b"\x00" * 5_000,
    "no text": b"\xff" * 5_000,
    "no parquet": b"PAR1junkPAR1",
    "no gzip": b"\x1f\x8b\x08",
}


def items_of(format_name: str, path: Path) -> list[ImportItem]:
    request = Request("shop", OPTIONS, host="shop.example")
    return list(registry.named(format_name).read(path, request))


def through_the_door(items: list[ImportItem]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for item in items:
        if isinstance(item, EventRow | BadRow):
            found = outcome(item, "shop", {"shop"}, NOW)
            counts["dead" if isinstance(found, DeadLetter) else "event"] += 1
            if isinstance(found, DeadLetter):
                assert found.reason
                assert found.source.rpartition(":")[2].isdigit()
    return counts


def counted_or_refused(format_name: str, path: Path) -> Counter[str] | str:
    try:
        return through_the_door(items_of(format_name, path))
    except ImportFileError as error:
        return str(error)


def written_plain(folder: Path, name: str) -> Path:
    samples.written(folder, name, 1)
    path = folder / name.removesuffix(".gz")
    path.write_bytes(samples.FILES[name](WHOLE))
    return path


@st.composite
def mangled(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw a format and a sound file of it with a few bytes changed, cut or doubled."""
    name = draw(st.sampled_from(TEXT_FORMATS))
    data = bytearray(samples.FILES[name](WHOLE))
    random = Random(draw(st.integers(0, 2**32)))  # noqa: S311 - no secret
    for _ in range(draw(st.integers(1, 12))):
        at = random.randrange(len(data) + 1)
        junk = draw(st.sampled_from(JUNK))
        cut = random.randrange(20)
        data[at : at + cut] = junk
    is_packed = draw(st.booleans())
    content = gzip.compress(bytes(data)) if is_packed else bytes(data)
    if draw(st.booleans()):
        content = content[: random.randrange(len(content) + 1)]
    return samples.FORMATS[name], content


@given(mangled())
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_mangled_file_never_breaks_an_importer(
    tmp_path: Path, file: tuple[str, bytes]
) -> None:
    format_name, content = file
    path = tmp_path / "orders.data"
    path.write_bytes(content)
    (tmp_path / "orders.mapping.toml").write_text(samples.MAPPING)

    for importer in registry.importers().values():
        assert importer.sniff(path) in {True, False}
    refused = counted_or_refused(format_name, path)
    assert isinstance(refused, Counter) or str(path) in refused


@pytest.mark.parametrize("format_name", sorted(registry.importers()))
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n\n",
        b"\x00" * 5_000,
        b"\xff" * 5_000,
        b"PAR1junkPAR1",
        b"\x1f\x8b\x08",
    ],
    ids=["empty", "blank", "zeros", "no text", "no parquet", "no gzip"],
)
def test_what_is_nothing_at_all_is_told_or_comes_to_nothing(
    tmp_path: Path, format_name: str, content: bytes
) -> None:
    for name in ("f.csv", "f.parquet"):
        path = tmp_path / name
        path.write_bytes(content)
        (tmp_path / "f.mapping.toml").write_text(samples.MAPPING)
        found = counted_or_refused(format_name, path)
        if isinstance(found, Counter):
            assert found["event"] == 0
        else:
            assert name in found


@pytest.mark.parametrize("name", TEXT_FORMATS)
def test_one_bad_line_costs_one_line(tmp_path: Path, name: str) -> None:
    path = written_plain(tmp_path, name)
    data = samples.FILES[name](WHOLE).splitlines(keepends=True)
    for place, junk in (
        (12, b"\x00{junk\xff\n"),
        (7, b"x" * (LONGEST_LINE + 9) + b"\n"),
    ):
        data.insert(place, junk)
    path.write_bytes(b"".join(data))

    counts = through_the_door(items_of(samples.FORMATS[name], path))

    assert counts["event"] == WHOLE
    assert counts["dead"] == 2


@pytest.mark.parametrize("name", TEXT_FORMATS)
def test_marks_and_line_ends_of_other_systems_change_nothing(
    tmp_path: Path, name: str
) -> None:
    path = written_plain(tmp_path, name)
    plain = items_of(samples.FORMATS[name], path)
    data = samples.FILES[name](WHOLE).replace(b"\r\n", b"\n")
    path.write_bytes(b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n"))

    changed = items_of(samples.FORMATS[name], path)

    assert len(changed) == WHOLE
    if name != "access.log.gz":  # its ids are keyed with a salt drawn for each reading
        assert changed == plain


@pytest.mark.parametrize("name", TEXT_FORMATS)
def test_of_a_truncated_archive_the_first_rows_are_taken(
    tmp_path: Path, name: str
) -> None:
    path = samples.written(tmp_path, name, 1)
    random = Random(5)  # noqa: S311 - no secret
    noise = random.randbytes(400_000).hex().encode()
    padded = samples.FILES[name](WHOLE) + noise
    whole = gzip.compress(padded)
    path.write_bytes(whole[: len(whole) // 2])

    items = items_of(samples.FORMATS[name], path)

    counts = through_the_door(items)
    assert counts["event"] == WHOLE
    assert any(
        isinstance(item, BadRow) and item.reason.startswith("truncated")
        for item in items
    )


def test_a_dead_letter_shows_no_address(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text(
        '{"type": "nothing", "messageId": "m", "context": {"ip": "192.0.2.77", '
        '"other": "2001:db8::7:1"}}\n'
    )

    (item,) = items_of("segment", path)
    assert isinstance(item, BadRow)
    letter = outcome(item, "shop", {"shop"}, NOW)

    assert isinstance(letter, DeadLetter)
    assert "192.0.2.77" not in letter.body
    assert "2001:db8" not in letter.body
    assert "(address)" in letter.body


def test_one_bad_call_costs_no_other_of_its_batch(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    good = {"type": "track", "event": "A", "userId": "7", "timestamp": 1_700_000_000}
    bad: list[object] = [None, 5, "x", [], {"type": "dance"}, {**good, "context": 3}]
    calls = [{**good, "messageId": f"m{number}"} for number in range(3)]
    batch = [calls[0], *bad, calls[1], calls[2]]
    path.write_text(json.dumps({"batch": batch}) + "\n")

    counts = through_the_door(items_of("segment", path))

    assert counts == {"event": 3, "dead": len(bad)}


@pytest.mark.parametrize("format_name", ["events", "ga4"])
def test_what_is_nearly_json_is_mended(tmp_path: Path, format_name: str) -> None:
    name = {"events": "native.jsonl", "ga4": "ga4.json"}[format_name]
    rows = samples.FILES[name](2).splitlines()
    odd = rows[1][:-1] + b', "metadata": {"x": NaN, "t": "cut \\ud83d"}}'
    path = tmp_path / "e.jsonl"
    path.write_bytes(rows[0] + b"\n" + odd + b"\n")

    assert through_the_door(items_of(format_name, path)) == {"event": 2}


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl.gz"
    with gzip.open(path, "wb") as file:
        for number in range(50_000):
            file.write(line(number).encode())

    tracemalloc.start()
    reading = registry.named("events").read(path, Request("shop"))
    assert sum(1 for _ in reading) == 50_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 4 * 1024 * 1024
