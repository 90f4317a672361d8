"""Publishing, rolling back and switching; what is unchanged writes nothing."""

import stat
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from code24.contracts.change import Attribute, Change, Match
from code24.contracts.experiment import Variant
from code24.contracts.release import Shard
from code24.contracts.wire import encode
from code24.releases import NoReleaseError, ReleaseError, diff, ensure_keys
from code24.releases.publisher import KEPT_MANIFESTS
from tests.code24.releasing import (
    MOMENT,
    ReleaseHome,
    ab_test,
    numbered,
    release_home,
    shard,
)


@pytest.fixture
def home(tmp_path: Path) -> ReleaseHome:
    return release_home(tmp_path)


def test_what_is_published_is_read(home: ReleaseHome) -> None:
    made = home.publish(shard("shop"), shard("blog"))
    reader = home.reader
    assert reader.current() == made
    assert list(made.sites) == ["blog", "shop"]
    assert [reader.site(made, site_id) for site_id in made.sites] == [
        shard("blog"),
        shard("shop"),
    ]
    assert reader.verify(made.release_id) == []
    assert (made.created_at, made.provenance) == (MOMENT, {"run": 0})


def test_shards_are_named_by_their_content(home: ReleaseHome) -> None:
    made = home.publish(shard())
    name = made.sites["shop"].shard
    assert name == sha256(encode(shard())).hexdigest()
    content = (home.releases / "shards" / f"{name}.json").read_bytes()
    assert content == encode(shard())


def test_unchanged_content_writes_nothing(home: ReleaseHome) -> None:
    home.publish(shard("shop"), shard("blog"))
    before = home.tree()
    assert home.offer(shard("blog"), shard("shop")) is None
    assert home.tree() == before


def test_a_change_writes_one_shard_and_a_manifest(home: ReleaseHome) -> None:
    first = home.publish(shard("shop"), shard("blog"))
    before = home.tree()
    second = home.publish(shard("shop"), numbered(2, "blog"))
    added = sorted(set(home.tree()) - set(before))
    blog = second.sites["blog"].shard
    assert added == [f"manifests/{second.release_id}.json", f"shards/{blog}.json"]
    assert second.previous == first.release_id
    assert second.release_id.startswith("r000002-")


def test_nothing_is_left_of_writing(home: ReleaseHome) -> None:
    (home.releases / "shards").mkdir(parents=True)
    (home.releases / "shards" / ".tmp-x").write_text("half", encoding="ascii")
    home.publish(shard())
    assert not list(home.releases.rglob(".tmp-*"))


def test_a_home_without_a_release_says_so(home: ReleaseHome) -> None:
    with pytest.raises(NoReleaseError, match=r"CURRENT: no release .* code24 run"):
        home.reader.current()
    assert home.reader.releases() == []
    assert home.reader.switches().sequence == 0


def test_old_releases_go_and_take_their_shards_along(home: ReleaseHome) -> None:
    made = [home.publish(numbered(n)).release_id for n in range(KEPT_MANIFESTS + 3)]
    kept = made[: -KEPT_MANIFESTS - 1 : -1]
    assert home.reader.release_ids() == kept
    assert len(list((home.releases / "shards").iterdir())) == KEPT_MANIFESTS
    assert all(home.reader.verify(release_id) == [] for release_id in kept)


def test_what_is_served_stays_however_old(home: ReleaseHome) -> None:
    made = [home.publish(numbered(n)).release_id for n in range(KEPT_MANIFESTS)]
    home.publisher.rollback(made[0])
    home.publish(numbered(100))
    home.publisher.rollback(made[1])
    home.publish(numbered(101))
    assert made[0] not in home.reader.release_ids()
    assert home.reader.verify(home.reader.current_id()) == []


def test_rolling_back_serves_an_earlier_release(home: ReleaseHome) -> None:
    first, second = home.publish(numbered(1)), home.publish(numbered(2))
    assert home.publisher.rollback(first.release_id) == first
    assert home.reader.current() == first
    before = home.tree()
    home.publisher.rollback(first.release_id)
    assert home.tree() == before
    home.publisher.rollback(second.release_id)
    assert home.reader.current() == second


def test_a_roll_back_stays_until_there_is_something_new(home: ReleaseHome) -> None:
    first = home.publish(numbered(1))
    home.publish(numbered(2))
    home.publisher.rollback(first.release_id)
    assert home.offer(numbered(2)) is None
    assert home.offer(numbered(1)) is None
    assert home.reader.current() == first
    third = home.publish(numbered(2))
    assert (third.previous, third.release_id[:7]) == (first.release_id, "r000003")


def test_rolling_back_to_what_is_not_kept_is_refused(home: ReleaseHome) -> None:
    made = home.publish(shard())
    with pytest.raises(ReleaseError, match="r000009-00000000 is not kept here"):
        home.publisher.rollback("r000009-00000000")
    with pytest.raises(ReleaseError, match="is no release id"):
        home.publisher.rollback("../../etc/passwd")
    assert home.reader.current() == made


def test_switches_survive_publishing_and_rolling_back(home: ReleaseHome) -> None:
    first = home.publish(numbered(1))
    switched = home.publisher.set_switches(["shop"], ["b", "a", "a"])
    assert (switched.sequence, switched.tests_off) == (1, ("a", "b"))
    home.publish(numbered(2))
    home.publisher.rollback(first.release_id)
    assert home.reader.switches() == switched


def test_the_sequence_grows_with_changes_alone(home: ReleaseHome) -> None:
    publisher = home.publisher
    assert publisher.set_switches([], ["a"]).sequence == 1
    assert publisher.set_switches([], ["a"]).sequence == 1
    assert publisher.set_switches([], []).sequence == 2
    assert publisher.set_switches([], ["a"]).sequence == 3


def test_the_sequence_never_goes_back(home: ReleaseHome) -> None:
    path = home.releases / "switches.json"
    home.publisher.set_switches([], ["a"])
    old = path.read_bytes()
    home.publisher.set_switches([], ["b"])
    path.write_bytes(old)
    assert home.publisher.set_switches([], ["a"]).sequence == 3
    path.unlink()
    assert home.publisher.set_switches([], []).sequence == 4
    path.write_bytes(b"{}")
    assert home.publisher.set_switches([], []).sequence == 5


@pytest.mark.parametrize(
    ("shards", "told"),
    [
        ([shard(), shard()], "'shop' has two shards"),
        ([shard(), shard("blog", client_key="ck_shop")], "same client key 'ck_shop'"),
        ([shard("shop", ab_test(site_id="blog"))], "is of site 'blog'"),
        ([shard("shop", ab_test(), ab_test())], "'headline' stands twice"),
        ([shard("shop", ab_test(coverage=7.0))], "coverage"),
        ([shard("../up")], r"siteId|pattern"),
    ],
)
def test_a_wrong_shard_is_refused_whole(
    home: ReleaseHome, shards: list[Shard], told: str
) -> None:
    made = home.publish(numbered(1))
    with pytest.raises(ReleaseError, match=told):
        home.offer(*shards)
    assert home.reader.current() == made


def test_an_unsafe_change_is_never_published(home: ReleaseHome) -> None:
    script = Attribute(sel="a.buy", name="href", value="javascript:alert(1)")
    change = Change(id="c1", match=Match(host="shop.example"), ops=(script,))
    variants = (
        Variant(variant_id="control", name="As it is"),
        Variant(variant_id="bold", name="Bold", changes=(change,)),
    )
    with pytest.raises(ReleaseError, match="'shop' cannot be published: change 'c1'"):
        home.offer(shard("shop", ab_test(variants=variants)))


def test_a_time_without_a_zone_is_never_signed(home: ReleaseHome) -> None:
    naive = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    with pytest.raises(ReleaseError, match="Manifest cannot be signed"):
        home.publisher.publish([shard()], created_at=naive, provenance={})


def test_differences_between_releases(home: ReleaseHome) -> None:
    old = home.publish(shard("gone"), shard("shop", ab_test("a"), ab_test("b")))
    ended = ab_test("a", status="complete", winner_variant="bold")
    new = home.publish(
        shard("new"),
        shard(
            "shop",
            ended,
            ab_test("b", traffic_split=(0.2, 0.8), coverage=0.5),
            ab_test("c"),
            host="www.shop.example",
        ),
    )
    changes = diff(home.reader, old, new)
    assert [(c.site_id, c.test_id, c.kind, c.change) for c in changes] == [
        ("gone", None, "site_removed", "removed"),
        ("new", None, "site_added", "added, 1 tests"),
        ("shop", None, "site_changed", "host shop.example → www.shop.example"),
        ("shop", "a", "test_status", "running → complete"),
        ("shop", "a", "test_winner", "winner none → bold"),
        ("shop", "b", "test_weights", "weights 0.5/0.5 → 0.2/0.8"),
        ("shop", "b", "test_coverage", "coverage 1 → 0.5"),
        ("shop", "c", "test_added", "added, running"),
    ]
    assert msgspec.json.decode(encode(changes))[3]["testId"] == "a"
    assert diff(home.reader, new, new) == []


def test_keys_are_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    ensure_keys(tmp_path)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert stat.S_IMODE((tmp_path / "signing.key").stat().st_mode) == 0o600


def test_the_public_half_is_made_again_and_never_the_private(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    public = (tmp_path / "verify.pub").read_bytes()
    (tmp_path / "verify.pub").unlink()
    ensure_keys(tmp_path)
    assert (tmp_path / "verify.pub").read_bytes() == public
    (tmp_path / "signing.key").unlink()
    with pytest.raises(ReleaseError, match=r"signing\.key is gone .* backup"):
        ensure_keys(tmp_path)


def test_halves_of_two_pairs_are_refused(tmp_path: Path) -> None:
    ensure_keys(tmp_path / "a")
    ensure_keys(tmp_path / "b")
    (tmp_path / "a" / "verify.pub").write_bytes(
        (tmp_path / "b" / "verify.pub").read_bytes()
    )
    with pytest.raises(ReleaseError, match="is not the public half"):
        ensure_keys(tmp_path / "a")
