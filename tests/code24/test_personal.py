from pathlib import Path
from typing import Any

import pytest

from code24.personal import (
    PseudonymError,
    Pseudonyms,
    holds_email,
    kept_traits,
    unit_of,
    without_personal,
)
from code24.privacy.asked import ids_of


def test_a_pseudonym_is_the_same_for_good_and_tells_nothing(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    one = Pseudonyms(keys).of("shop", "ada@shop.example")
    assert one == Pseudonyms(keys).of("shop", "ada@shop.example")
    assert len(one) == 34
    assert one.startswith("u-")
    others = {
        Pseudonyms(keys).of("news", "ada@shop.example"),
        Pseudonyms(keys).of("shop", "bob@shop.example"),
        Pseudonyms(tmp_path / "other").of("shop", "ada@shop.example"),
        Pseudonyms(None).of("shop", "ada@shop.example"),
    }
    assert len(others - {one}) == 4


def test_the_key_is_for_its_user_alone(tmp_path: Path) -> None:
    Pseudonyms(tmp_path / "keys")
    [key] = (tmp_path / "keys").iterdir()
    assert key.stat().st_mode & 0o777 == 0o600
    (tmp_path / "file").write_text("")
    with pytest.raises(PseudonymError, match=r"file/pseudonyms\.key: cannot be read"):
        Pseudonyms(tmp_path / "file")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"email": "x", "E-Mail": "x", "first_name": "x", "sku": "x"}, {"sku": "x"}),
        ({"who": "ada@shop.example", "at": "5 @ 2"}, {"at": "5 @ 2"}),
        (
            {"a": {"Phone Number": 1, "b": [{"zip": 1, "c": 2}]}},
            {"a": {"b": [{"c": 2}]}},
        ),
        ({"list": ["ada@shop.example", "x", 7]}, {"list": ["x", 7]}),
        (["x", None, 1.5], ["x", None, 1.5]),
        ("text", "text"),
    ],
)
def test_what_says_who_somebody_is_goes(value: Any, kept: Any) -> None:
    assert without_personal(value) == kept


def test_what_is_deeper_than_the_door_allows_is_left_to_it() -> None:
    deep: Any = {"email": "x"}
    for _ in range(8):
        deep = {"a": deep}
    assert without_personal(deep) == deep


def test_of_traits_only_the_known_stay() -> None:
    traits = {
        "plan": "gold",
        "companySize": 7,
        "name": "Ada",
        "shoe": 43,
        "role": "ada@shop.example",
        "title": {"a": 1},
    }
    assert kept_traits(traits) == {"plan": "gold", "companySize": 7}


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("a@b.c", True), ("a@b", False), ("@b.c", False), ("a.b", False), ("", False)],
)
def test_what_holds_an_email(text: str, is_one: bool) -> None:
    assert holds_email(text) is is_one


@pytest.mark.parametrize(
    "person", ["97980", "user-17", "0049301234567", "a@b", "2024-01-02", "auth0|5f7c"]
)
def test_an_account_number_is_a_unit_as_it_is(person: str) -> None:
    assert unit_of(person, "u-{}".format) == person


@pytest.mark.parametrize(
    "person",
    ["ada@shop.example", "+44 20 7946 0018", "+442079460018", "030 / 901820-0"],
)
def test_an_address_or_a_telephone_number_is_replaced(person: str) -> None:
    assert unit_of(person, "u-{}".format) == f"u-{person}"


@pytest.mark.parametrize(
    "spellings",
    [
        ("ada@shop.example", "Ada@Shop.Example", " ada@shop.example "),
        ("+442079460018", "+44 20 7946 0018", "+44 (20) 7946-0018"),
    ],
)
def test_one_person_spelled_otherwise_has_one_pseudonym(
    tmp_path: Path, spellings: tuple[str, ...]
) -> None:
    pseudonyms = Pseudonyms(tmp_path)
    assert len({pseudonyms.of("shop", one) for one in spellings}) == 1
    assert pseudonyms.of("shop", "Ada") != pseudonyms.of("shop", "ada")


def test_looking_for_somebody_makes_no_key(tmp_path: Path) -> None:
    assert ids_of("Ada@shop.example", "shop", tmp_path) == {
        "Ada@shop.example",
        "ada@shop.example",
    }
    assert list(tmp_path.iterdir()) == []
