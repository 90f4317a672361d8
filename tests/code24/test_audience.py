"""Audiences: signed, replaced whole, and without those who were erased."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from code24.audience import drop, open_audience, publish, remove, strays
from code24.audience.layout import SALT, AudienceLayout
from code24.contracts.audience import Action, Audience, Member, Recommendation
from code24.privacy.subject import id_hash
from code24.releases import ReleaseError, ensure_keys
from code24.releases.keys import VERIFY_KEY, load_public
from tests.code24.releasing import MOMENT

PERSONS = ("ada", "bob", "eve")
SALTED = "5a" * 32


def hashed(person: str, site_id: str = "shop") -> str:
    return id_hash(SALTED, site_id, person)


def member(person: str) -> Member:
    items = Recommendation(slot="also-bought", items=(f"sku-of-{person}", "sku-2"))
    action = Action(action_id="offer", value={"percent": 10})
    return Member(id_hash=hashed(person), recommendations=(items,), actions=(action,))


@dataclass(frozen=True)
class Place:
    layout: AudienceLayout
    keys: Path

    def publish(self, persons: Iterable[str] = PERSONS) -> Audience:
        return publish(
            self.layout,
            self.keys,
            map(member, persons),
            salt=SALTED,
            made_at=MOMENT,
            provenance={"model": "next-item 3"},
        )

    def told(self, *persons: str) -> list[Member | None]:
        audience = open_audience(self.layout, load_public(self.keys / VERIFY_KEY))
        assert audience is not None
        found = [audience.find(hashed(person)) for person in persons]
        audience.close()
        return found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    ensure_keys(tmp_path / "keys")
    return Place(AudienceLayout(tmp_path / "releases", "shop"), tmp_path / "keys")


def test_each_person_is_told_what_was_published(place: Place) -> None:
    head = place.publish()
    assert (head.members, head.site_id, head.made_at) == (3, "shop", MOMENT)
    assert place.told("ada", "zoe") == [member("ada"), None]
    salt = place.keys / SALT
    assert (salt.read_text(), salt.stat().st_mode & 0o077) == (SALTED, 0)


def test_the_last_one_is_the_only_one(place: Place) -> None:
    place.publish()
    place.publish(["zoe"])
    assert place.told("ada", "zoe") == [None, member("zoe")]
    assert len(place.layout.files()) == 1
    drop(place.layout)
    assert open_audience(place.layout, load_public(place.keys / VERIFY_KEY)) is None


def test_the_erased_are_gone_from_every_file(place: Place) -> None:
    head = place.publish()
    whole = place.layout.file(head.digest).read_bytes()
    assert remove(place.layout, place.keys, {hashed("bob"), hashed("zoe")}) == 1
    assert place.told(*PERSONS) == [member("ada"), None, member("eve")]
    left = b"".join(path.read_bytes() for path in place.layout.folder.iterdir())
    assert hashed("bob").encode() in whole
    assert hashed("bob").encode() not in left
    assert remove(place.layout, place.keys, {hashed("bob")}) == 0


def test_an_erasure_that_was_killed_is_finished(place: Place) -> None:
    head = place.publish()
    old = place.layout.file(head.digest)
    whole = old.read_bytes()
    remove(place.layout, place.keys, {hashed("bob")})
    old.write_bytes(whole)
    place.layout.draft.write_bytes(whole)
    assert strays(place.layout, {hashed("bob")}) == 2
    remove(place.layout, place.keys, {hashed("bob")})
    assert strays(place.layout, {hashed("bob")}) == 0
    assert place.told("ada") == [member("ada")]


def test_sites_whose_names_begin_alike_do_not_meet(place: Place) -> None:
    other = Place(AudienceLayout(place.layout.releases, "shop-2"), place.keys)
    place.publish()
    other.publish()
    drop(place.layout)
    assert other.told("ada") == [member("ada")]


@pytest.mark.parametrize("harm", ["file", "head", "gone", "other"])
def test_what_was_changed_is_not_believed(place: Place, harm: str) -> None:
    head = place.publish()
    file = place.layout.file(head.digest)
    if harm == "file":
        file.write_bytes(file.read_bytes().replace(b"sku-2", b"sku-9"))
    elif harm == "head":
        told = place.layout.head.read_text()
        place.layout.head.write_text(told.replace("next-item 3", "next-item 4"))
    elif harm == "gone":
        file.unlink()
    else:
        other = AudienceLayout(place.layout.releases, "blog")
        other.head.write_bytes(place.layout.head.read_bytes())
        place = Place(other, place.keys)
    with pytest.raises(ReleaseError):
        place.told("ada")


def test_one_person_twice_leaves_what_was_served(place: Place) -> None:
    place.publish()
    with pytest.raises(ReleaseError, match="audience of 'shop'"):
        place.publish(["zoe", "zoe"])
    assert place.told("ada") == [member("ada")]
    assert not place.layout.draft.exists()


def test_a_broken_member_is_refused(place: Place) -> None:
    broken = Member(id_hash="ada@shop.example")
    with pytest.raises(ReleaseError, match="Expected `str` matching regex"):
        publish(
            place.layout,
            place.keys,
            [broken],
            salt=SALTED,
            made_at=MOMENT,
            provenance={},
        )
