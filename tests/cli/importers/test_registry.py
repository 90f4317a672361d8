"""Which formats there are, and how a file finds its own."""

import os
from pathlib import Path

import pytest

from cli.importers import formats, registry
from cli.importers.importer import ImportFileError
from cli.importers.samples import sample_folders


def test_every_module_with_an_importer_is_a_format() -> None:
    assert formats() == [
        "ab-csv",
        "access-log",
        "complete-journey",
        "events",
        "ga4",
        "growthbook",
        "headline-archive",
        "mapped",
        "past-experiments",
        "segment",
        "snowplow",
    ]


@pytest.mark.parametrize("name", formats())
def test_every_format_says_what_it_is(name: str) -> None:
    importer = registry.named(name)

    assert 20 < len(importer.about) < 80
    assert all(meaning for meaning in importer.options.values())


def test_each_sample_is_recognised() -> None:
    found = {
        folder.name: {importer.name for importer, _ in registry.matched(folder, None)}
        for folder in sample_folders()
    }

    assert found == {
        "complete-journey": {"complete-journey"},
        "snowplow": {"snowplow"},
        "upworthy": {"headline-archive"},
    }


def test_an_absent_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match=r"gone\.csv: there is no such file"):
        registry.matched(tmp_path / "gone.csv", None)


def test_an_unknown_format_is_told_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="format 'xml': must be one of ab-csv, "):
        registry.matched(tmp_path, "xml")


def test_a_file_that_nothing_recognises_asks_for_its_format(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")

    with pytest.raises(ImportFileError, match=r"of a known format .* add --format"):
        registry.matched(path, None)
    assert registry.matched(path, "events") == [(registry.named("events"), path)]


def test_a_file_that_two_formats_recognise_asks_which(tmp_path: Path) -> None:
    both = tmp_path / "both.csv"
    both.write_text(
        "event_id,collector_tstamp,derived_tstamp,experiment_id,variant_id,units,"
        "conversions,test_type,goal_type,ended_at\n"
    )

    with pytest.raises(
        ImportFileError, match="could be any of past-experiments, snowplow"
    ):
        registry.matched(both, None)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b'[{"siteId": "shop"}]', "is one JSON array; make it an object a line"),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_way_out(
    tmp_path: Path, content: bytes, told: str
) -> None:
    path = tmp_path / "export.json"
    path.write_bytes(content)

    with pytest.raises(ImportFileError, match=rf"export\.json: {told}"):
        registry.matched(path, None)


def test_a_pipe_and_a_folder_of_nothing_are_told(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    with pytest.raises(ImportFileError, match="pipe: is no regular file"):
        registry.matched(pipe, "events")
    with pytest.raises(ImportFileError, match="no file in it is of a known format"):
        registry.matched(tmp_path, None)
