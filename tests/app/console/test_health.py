"""The health page tells of a real release: whole, damaged, switched off."""

from datetime import UTC, datetime

import pytest

from code24.contracts.release import Manifest, Shard
from code24.releases import Publisher, ensure_keys
from code24.settings import Settings
from tests.app.console import sample
from tests.app.console.conftest import Open, figures, said


@pytest.fixture
def publisher(home: Settings) -> Publisher:
    sample.write(home.reports)
    ensure_keys(home.keys)
    return Publisher(home.releases, home.keys)


def publish(publisher: Publisher, *client_keys: str) -> Manifest:
    shards = [
        Shard(site_id=f"s{key}", host=f"s{key}.example", client_key=key, tests=())
        for key in client_keys
    ]
    manifest = publisher.publish(
        shards, created_at=datetime(2026, 11, 23, 12, 0, tzinfo=UTC), provenance={}
    )
    assert manifest is not None
    return manifest


def test_without_a_release_it_says_how_to_make_one(home: Settings, visit: Open) -> None:
    sample.write(home.reports)
    assert "No release yet. Run `make run`" in said(visit("health"))


def test_a_whole_release_is_called_so(publisher: Publisher, visit: Open) -> None:
    publish(publisher, "ck1", "ck2")
    app = visit("health")
    assert figures(app)["Release"] == "r000001"
    assert figures(app)["Sites"] == "2"
    assert "the checksum of every shard are right" in said(app)
    assert "is not the one these reports tell of" in said(app)


def test_a_damaged_shard_is_named(
    home: Settings, publisher: Publisher, visit: Open
) -> None:
    manifest = publish(publisher, "ck1")
    shard = manifest.sites["sck1"].shard
    (home.releases / "shards" / f"{shard}.json").write_bytes(b"{}")
    words = said(visit("health"))
    assert "The release is damaged" in words
    assert shard in words


def test_a_forged_manifest_is_not_believed(
    home: Settings, publisher: Publisher, visit: Open
) -> None:
    good = publish(publisher, "ck1")
    bad = publish(publisher, "ck1", "ck2")
    path = home.releases / "manifests" / f"{bad.release_id}.json"
    path.write_bytes(path.read_bytes().replace(b"sck2", b"sck3"))
    words = said(visit("health"))
    assert "cannot be trusted" in words
    assert f"Clients are served {good.release_id}" in words


def test_what_is_switched_off_is_listed(publisher: Publisher, visit: Open) -> None:
    publish(publisher, "ck1")
    publisher.set_switches(sites_off=["sck1"], tests_off=["t1"])
    app = visit("health")
    assert figures(app)["Switched off"] == "2"
    assert "Switched off by hand: sck1, t1." in said(app)
