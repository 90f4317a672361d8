"""Finished tests as counts per variant."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.importers.importer import ImportFileError
from cli.importers.past_experiments import IMPORTER
from code24.contracts.experiment import PastExperiment
from tests.cli.importers.reading import only, read, reasons

HEADER = "experiment_id,variant_id,units,conversions,test_type,goal_type,ended_at\n"


def write(path: Path, *lines: str, header: str = HEADER) -> Path:
    path.write_text(header + "".join(f"{line}\n" for line in lines))
    return path


def test_the_rows_of_a_test_make_one_past_experiment(tmp_path: Path) -> None:
    path = write(
        tmp_path / "p.csv",
        "t1,a,100,10,price,sales,2024-05-01",
        "t2,a,50,1,layout,leads,2024-06-01T12:00:00+02:00",
        "t1,b,110,20,price,sales,2024-05-01",
        "t2,b,51,2,layout,leads,2024-06-01T12:00:00+02:00",
    )

    first, second = only(PastExperiment, read(IMPORTER, path))

    assert (first.experiment_id, first.site_id, first.source) == ("t1", "shop", "p.csv")
    assert [(v.units, v.conversions) for v in first.variants] == [(100, 10), (110, 20)]
    assert first.ended_at == datetime(2024, 5, 1, tzinfo=UTC)
    assert second.ended_at == datetime(2024, 6, 1, 10, tzinfo=UTC)


def test_the_site_may_stand_in_the_file(tmp_path: Path) -> None:
    path = write(
        tmp_path / "p.csv",
        "one,t1,a,100,10,price,sales,2024-05-01",
        "one,t1,b,100,10,price,sales,2024-05-01",
        header=f"site_id,{HEADER}",
    )

    (test,) = only(PastExperiment, read(IMPORTER, path, None))

    assert test.site_id == "one"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("bad,b,ten,1,price,sales,2024-05-01", "'ten'"),
        ("bad,b,10,11,price,sales,2024-05-01", "11 conversions of 10 units"),
        ("other,b,10,1,price,sales,2024-05-01", "variants must be two or more"),
        ("bad,b,-1,0,price,sales,2024-05-01", ">= 0"),
        ("bad,b,10", "3 columns, the header has 7"),
    ],
)
def test_a_test_with_a_bad_row_is_left_out_as_a_whole(
    tmp_path: Path, line: str, reason: str
) -> None:
    path = write(
        tmp_path / "p.csv",
        "bad,a,100,10,price,sales,2024-05-01",
        line,
        "good,a,100,10,price,sales,2024-05-01",
        "good,b,100,10,price,sales,2024-05-01",
    )

    items = read(IMPORTER, path)

    kept = [test.experiment_id for test in only(PastExperiment, items)]
    assert kept == ["good"]
    assert any(reason in text for text in reasons(items).values())


def test_a_missing_column_is_one_clear_error(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", header="experiment_id,variant_id\n")

    assert not IMPORTER.sniff(path)
    with pytest.raises(ImportFileError, match="no column conversions, ended_at, goal"):
        read(IMPORTER, path)
