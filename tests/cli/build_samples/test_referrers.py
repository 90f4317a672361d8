import csv
from collections import Counter
from pathlib import Path

from cli.build_samples.referrers import SEED, Site, build, write

LISTED = {
    "www.example-search.org": {"medium": "search", "source": "Example"},
    "images.example-search.org": {"medium": "search", "source": "Example"},
    "maps.example-search.org": {"medium": "unknown", "source": "Example"},
    "example-search.org/news": {"medium": "unknown", "source": "Example"},
    "youtube.com": {"medium": "social", "source": "Youtube"},
}


def test_hosts_and_names_are_sites_and_ours_go_before_the_package_s() -> None:
    rows = {row.site: row for row in build(LISTED)}
    assert rows["example-search.org"] == ("example-search.org", "example", "search")
    assert rows["maps.example-search.org"].category == "other"
    assert rows["example"] == Site("example", "example", "search")
    assert rows["youtube.com"] == Site("youtube.com", "youtube", "video")
    assert "example-search.org/news" not in rows


def test_the_seed_is_in_the_form_that_it_is_made_in(tmp_path: Path) -> None:
    with SEED.open(encoding="utf-8", newline="") as file:
        rows = [Site(**row) for row in csv.DictReader(file)]
    write(sorted(rows), tmp_path / "seed.csv")
    assert (tmp_path / "seed.csv").read_bytes() == SEED.read_bytes()
    assert Counter(row.site for row in rows).most_common(1)[0][1] == 1
    assert {row for row in build({}) if row in rows} == set(build({}))
