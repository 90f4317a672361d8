"""What stays served when the release folder is at fault."""

import logging
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.dispatcher.store import Store
from code24.releases import Reader
from tests.code24.releasing import ReleaseHome, ab_test, numbered, shard


@pytest.fixture
def store(home: ReleaseHome) -> Store:
    return Store(home.reader)


def refresh(store: Store) -> None:
    store.refresh_switches()
    store.refresh_release()


def served(store: Store, client_key: str = "ck_shop") -> dict[str, Any]:
    body = store.serving.sites[client_key].answer.body
    found: dict[str, Any] = msgspec.json.decode(body)["features"]
    return found


def shard_path(home: ReleaseHome, site_id: str) -> Path:
    entry = home.reader.current().sites[site_id]
    return home.releases / "shards" / f"{entry.shard}.json"


def test_a_new_release_is_taken_over(home: ReleaseHome, store: Store) -> None:
    home.publish(numbered(1))
    refresh(store)
    assert set(served(store)) == {"test-1"}
    second = home.publish(numbered(2))
    refresh(store)
    assert set(served(store)) == {"test-2"}
    assert store.serving.release_id == second.release_id
    assert store.reason is None


def test_only_changed_shards_are_read_and_built(
    home: ReleaseHome, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.publish(shard("blog"), numbered(1))
    refresh(store)
    before = store.serving.sites["ck_blog"]
    home.publish(shard("blog"), numbered(2))
    read: list[str] = []
    whole = Reader.site

    def site(reader: Reader, manifest: Any, site_id: str) -> Any:
        read.append(site_id)
        return whole(reader, manifest, site_id)

    monkeypatch.setattr(Reader, "site", site)
    refresh(store)
    refresh(store)
    assert read == ["shop"]
    assert store.serving.sites["ck_blog"] is before


@pytest.mark.parametrize("damaged", ["CURRENT", "manifest", "shard", "gone"])
def test_a_damaged_release_leaves_the_last_good_one(
    home: ReleaseHome,
    store: Store,
    caplog: pytest.LogCaptureFixture,
    damaged: str,
) -> None:
    first = home.publish(shard("blog"), numbered(1))
    refresh(store)
    second = home.publish(shard("blog"), numbered(2))
    current = home.releases / "CURRENT"
    manifest = home.releases / "manifests" / f"{second.release_id}.json"
    paths = {"CURRENT": current, "manifest": manifest, "gone": current}
    path = paths.get(damaged) or shard_path(home, "shop")
    sound = path.read_bytes()
    path.unlink() if damaged == "gone" else path.write_bytes(b"{")
    for _ in range(3):
        refresh(store)
    assert store.serving.release_id == first.release_id
    assert set(served(store)) == {"test-1"}
    assert str(path) in (store.reason or "")
    alarms = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert alarms == [f"ALARM release: {store.reason}"]
    assert "\n" not in alarms[0]
    path.write_bytes(sound)
    refresh(store)
    assert store.serving.release_id == second.release_id
    assert store.reason is None


def test_a_start_on_a_damaged_release_takes_the_newest_sound_one(
    home: ReleaseHome, store: Store
) -> None:
    home.publish(numbered(1))
    second = home.publish(numbered(2))
    home.publish(numbered(3))
    damaged = [shard_path(home, "shop")]
    home.publish(numbered(4))
    damaged.append(shard_path(home, "shop"))
    for path in (*damaged, home.releases / "CURRENT"):
        path.write_bytes(b"\x00")
    refresh(store)
    assert store.serving.release_id == second.release_id
    assert "CURRENT" in (store.reason or "")
    assert f"(serving {second.release_id})" in (store.reason or "")


def test_nothing_published_yet_is_said(home: ReleaseHome, store: Store) -> None:
    refresh(store)
    assert store.serving.sites == {}
    assert "no release is published yet" in (store.reason or "")
    home.publish(shard())
    refresh(store)
    assert store.reason is None


def test_a_home_without_keys_is_said_and_survived(
    home: ReleaseHome, store: Store
) -> None:
    home.publish(shard())
    public = (home.keys / "verify.pub").read_bytes()
    (home.keys / "verify.pub").unlink()
    refresh(store)
    assert "verify.pub" in (store.reason or "")
    (home.keys / "verify.pub").write_bytes(public)
    refresh(store)
    assert store.reason is None
    assert set(served(store)) == {"headline"}


def test_switches_act_at_once_and_outlive_releases(
    home: ReleaseHome, store: Store
) -> None:
    home.publish(shard("blog"), shard("shop", ab_test("a"), ab_test("b")))
    refresh(store)
    home.publisher.set_switches(["blog"], ["a"])
    store.refresh_switches()
    assert served(store, "ck_blog") == {}
    assert served(store)["a"] == {"defaultValue": "control"}
    assert "rules" in served(store)["b"]
    home.publish(numbered(1, "blog"), shard("shop", ab_test("a"), ab_test("c")))
    store.refresh_release()
    assert served(store, "ck_blog") == {}
    assert served(store)["a"] == {"defaultValue": "control"}
    home.publisher.set_switches([], [])
    store.refresh_switches()
    assert "rules" in served(store)["a"]
    assert set(served(store, "ck_blog")) == {"test-1"}


@pytest.mark.parametrize("fault", ["damaged", "older", "gone"])
def test_switches_at_fault_leave_the_last_good_ones(
    home: ReleaseHome, store: Store, fault: str
) -> None:
    path = home.releases / "switches.json"
    home.publish(shard())
    home.publisher.set_switches([], [])
    home.publisher.set_switches(["elsewhere"], [])
    older = path.read_bytes()
    home.publisher.set_switches([], ["headline"])
    refresh(store)
    contents = {"damaged": older.replace(b"elsewhere", b"somewhere"), "older": older}
    path.unlink() if fault == "gone" else path.write_bytes(contents[fault])
    refresh(store)
    assert served(store) == {"headline": {"defaultValue": "control"}}
    assert "sequence 2 still holds" in (store.reason or "")
    home.publisher.set_switches([], [])
    refresh(store)
    assert "rules" in served(store)["headline"]
    assert store.reason is None


def test_a_start_on_damaged_switches_gives_every_control(
    home: ReleaseHome, store: Store
) -> None:
    home.publish(shard("shop", ab_test(status="complete", winner_variant="bold")))
    (home.releases / "switches.json").write_bytes(b"")
    refresh(store)
    assert served(store) == {"headline": {"defaultValue": "control"}}
    assert "every test gives its control" in (store.reason or "")
    home.publisher.set_switches([], [])
    refresh(store)
    assert served(store) == {"headline": {"defaultValue": "bold"}}
