"""The committed samples: what is in them, what is not, and that they can be remade."""

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from cli.build_samples import complete_journey, snowplow, upworthy
from code24.settings import PROJECT_ROOT

SAMPLE = PROJECT_ROOT / "data" / "sample"
MADE_FROM = {
    "upworthy": (upworthy.build, "experiments/upworthy_headline_tests.parquet"),
    "snowplow": (snowplow.build, "snowplow_web"),
    "complete-journey": (complete_journey.build, "shop"),
}


@pytest.mark.reference
@pytest.mark.parametrize("name", MADE_FROM)
def test_each_sample_is_remade_byte_by_byte(
    name: str, tmp_path: Path, reference_data: Callable[[str], Path]
) -> None:
    build, source = MADE_FROM[name]

    build(reference_data(source), tmp_path)

    made = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert made
    for file, content in made.items():
        assert (SAMPLE / name / file).read_bytes() == content, file


def test_the_samples_are_small() -> None:
    sizes = {file: file.stat().st_size for file in SAMPLE.rglob("*") if file.is_file()}

    assert max(sizes.values()) < 1_000_000
    assert sum(sizes.values()) < 2_000_000


def test_the_headline_sample_has_no_column_that_gives_the_answer() -> None:
    frame = pl.read_parquet(SAMPLE / "upworthy" / "headline_tests.parquet")

    assert frame["test_id"].n_unique() == 3_424
    assert set(frame.columns) == set(upworthy.SCHEMA)
    assert not set(frame.columns) & {
        "significance",
        "winner",
        "first_place",
        "winner_count_anomaly",
        "ctr",
    }


def test_the_grocers_sample_is_200_households_under_opaque_names() -> None:
    frame = pl.read_parquet(SAMPLE / "complete-journey" / "baskets.parquet")

    assert frame["household"].n_unique() == 200
    assert frame["household"].str.contains(r"^household-[0-9a-f]{12}$").all()
    assert frame["basket_id"].is_unique().all()


def test_the_snowplow_sample_holds_no_address() -> None:
    for file in (SAMPLE / "snowplow").glob("*.csv"):
        text = file.read_text(encoding="utf-8")
        header = text.partition("\n")[0].split(",")
        assert "user_ipaddress" not in header
        assert not [name for name in header if name.startswith(("geo_l", "geo_z"))]
        assert not re.search(r"2a02[-:]85f", text)


def test_every_folder_says_whose_it_is_and_the_readme_cites_it() -> None:
    readme = (SAMPLE / "README.md").read_text(encoding="utf-8")

    for name in MADE_FROM:
        assert (SAMPLE / name / "site.json").is_file()
        assert f"`{name}/`" in readme
    assert (SAMPLE / "snowplow" / "LICENSE").read_text().strip().startswith("Apache")
    for citation in ("Matias", "CC BY 4.0", "84.51", "CC0", "Apache-2.0"):
        assert citation in readme
