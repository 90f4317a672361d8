"""Whose data an event is."""

from datetime import UTC, datetime, timedelta

import pytest

from code24.contracts.event import DeadLetter
from code24.privacy.erased import NOBODY, Erased
from code24.privacy.identity import candidates, mentions, persons_in
from code24.privacy.subject import Subject, id_hash

SALT = "ab" * 32
AT = datetime(2026, 3, 1, tzinfo=UTC)


def visitor(*ids: str) -> Subject:
    return Subject("shop", SALT, asked=ids[0]).with_ids(ids)


def test_short_values_count_only_in_fields_that_name_persons() -> None:
    metadata = {"productId": "42", "userId": "43", "list": [{"anonymous_id": "44"}]}
    found = candidates("41", metadata, ("https://a.example/45?uid=46&q=47",))
    assert found == {"41", "43", "44", "46"}


def test_long_values_count_anywhere_but_link_nobody() -> None:
    metadata = {"coupon": "3f0c9a1b2c3d", "unitId": "u1"}
    url = "https://a.example/unsubscribe/anna%40example.com"
    assert candidates("v", metadata, (url,)) == {
        "v",
        "u1",
        "3f0c9a1b2c3d",
        "anna@example.com",
    }
    assert persons_in("v", metadata, (url,)) == {"v", "u1"}


@pytest.mark.parametrize(
    "text",
    ['{"visitorId": "a b/c"', "visitorId=a b/c no json", '{\\"id\\":\\"a b/c\\"}'],
)
def test_a_refused_text_is_searched_for_strings(text: str) -> None:
    assert ("a b/c" in mentions(text)) == ('"' in text)


def test_a_letter_of_another_site_is_not_the_visitors() -> None:
    def letter(body: str) -> DeadLetter:
        return DeadLetter(
            reason="invalid: x", received_at=AT, origin="live", source="/", body=body
        )

    anna = visitor("anna")
    assert anna.owns_letter(letter('{"siteId": "shop", "visitorId": "anna"}'))
    assert anna.owns_letter(letter('{"visitorId": "anna", "siteId'))
    assert not anna.owns_letter(letter('{"siteId": "inn", "visitorId": "anna"}'))
    assert not anna.owns_letter(letter('{"siteId": "shop", "visitorId": "annabel"}'))


def test_ids_known_by_hash_alone_are_found_again() -> None:
    hashed = visitor("anna").with_hashes([id_hash(SALT, "shop", "unit-7")])
    assert hashed.needles() == ()
    assert hashed.owns("shop", {"unit-7"})
    assert not hashed.owns("inn", {"unit-7"})
    assert not hashed.owns("shop", {"unit-8"})


def test_what_happens_after_an_erasure_is_taken() -> None:
    hashes = {id_hash(SALT, "shop", "anna"): AT}
    erased = Erased(SALT, {"shop": hashes}, {"inn": AT})
    later = AT + timedelta(seconds=1)
    assert erased.covers("shop", {"anna"}, AT)
    assert not erased.covers("shop", {"anna"}, later)
    assert not erased.covers("shop", {"bob"}, AT)
    assert erased.covers("inn", {"anybody"}, AT)
    assert not erased.covers("inn", {"anybody"}, later)
    assert NOBODY.is_empty
