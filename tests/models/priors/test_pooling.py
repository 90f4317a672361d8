"""Groups of tests: drawn to one another, apart where they have the data to be."""

from datetime import timedelta

import polars as pl
import pytest

from models.priors.learning import learn
from models.priors.mixture import DEFAULT_PRIOR, Prior, normal
from models.priors.pooling import Kind, learn_book
from tests.models.priors.frames import DAY, history


def past_tests(
    number: int, prior: Prior, *, seed: int = 1, **columns: str
) -> pl.DataFrame:
    """Return past tests of one site, kind, goal and vertical."""
    names = {
        "site_id": "shop",
        "vertical": "fashion",
        "goal_type": "sales",
        "test_type": "price",
        **columns,
    }
    return history(number, prior, arms=2, seed=seed).with_columns(
        pl.lit(value).alias(name) for name, value in names.items()
    )


WIDE, NARROW = normal(0.0, 0.2), normal(0.0, 0.03)
PRICE = Kind("shop", "fashion", "sales", "price")
LAYOUT = Kind("shop", "fashion", "sales", "layout")


def test_kinds_with_many_tests_speak_for_themselves() -> None:
    past = pl.concat(
        [
            past_tests(400, WIDE),
            past_tests(400, NARROW, site_id="blog", test_type="layout"),
        ]
    )
    book = learn_book(past)
    assert book.of(PRICE).sd == pytest.approx(0.2, rel=0.15)
    assert book.of(LAYOUT).sd < 0.08
    assert book.of(PRICE).group == "price"
    assert book.of(PRICE).tests == 800


def test_kinds_with_few_tests_are_believed_to_be_like_the_others() -> None:
    past = pl.concat(
        [
            past_tests(400, NARROW),
            past_tests(4, WIDE, site_id="blog", test_type="layout"),
        ]
    )
    book = learn_book(past)
    assert book.of(LAYOUT).sd < 0.5 * learn(past_tests(100, WIDE)).sd
    unseen = book.of(Kind("new", "travel", "leads", "image"))
    assert unseen == book.shared[()]
    assert unseen.group == "all"
    half_known = book.of(Kind("new", "travel", "leads", "price"))
    assert half_known.group == "price"


def test_a_shift_is_learned_by_kind() -> None:
    past = pl.concat(
        [
            past_tests(400, normal(0.08, 0.1)),
            past_tests(400, normal(0.0, 0.1), site_id="blog", test_type="layout"),
        ]
    )
    book = learn_book(past)
    assert book.of(PRICE).mean == pytest.approx(0.08, abs=0.02)
    assert book.of(LAYOUT).mean == pytest.approx(0.0, abs=0.02)


def test_a_private_site_teaches_itself_alone() -> None:
    past = pl.concat([past_tests(100, NARROW), past_tests(100, WIDE, site_id="secret")])
    book = learn_book(past, private_sites=["secret"])
    assert book.of(PRICE) == learn_book(past_tests(100, NARROW)).of(PRICE)
    own = book.of(Kind("secret", "fashion", "sales", "price"))
    assert own.sd > 2 * book.of(PRICE).sd
    assert own.tests == 200


def test_a_private_site_without_tests_is_told_what_others_share() -> None:
    book = learn_book(past_tests(100, NARROW), private_sites=["secret"])
    own = book.of(Kind("secret", "fashion", "sales", "price"))
    assert own == book.of(PRICE)


def test_too_few_sites_share_nothing_and_each_learns_from_itself() -> None:
    past = pl.concat([past_tests(100, NARROW), past_tests(100, WIDE, site_id="other")])
    book = learn_book(past, least_sites=3)
    assert book.of(Kind("third")) == DEFAULT_PRIOR
    assert book.of(PRICE).sd < 0.06
    assert book.of(PRICE).tests == 100
    assert book.of(Kind("other", "fashion", "sales", "price")).sd > 0.15


def test_a_group_of_too_few_sites_falls_back_to_the_wider_one() -> None:
    past = pl.concat(
        [
            past_tests(60, NARROW),
            past_tests(60, NARROW, site_id="second", test_type="layout", seed=2),
        ]
    )
    book = learn_book(past, least_sites=2)
    assert book.of(PRICE).group == "all"


def test_no_test_of_any_group_is_later() -> None:
    past = pl.concat([past_tests(60, NARROW), past_tests(60, WIDE, site_id="blog")])
    before = DAY + timedelta(hours=30)
    earlier = past.filter(pl.col("ended_at") < before)
    assert learn_book(past, before=before) == learn_book(earlier, before=before)


def test_no_history_gives_the_default() -> None:
    book = learn_book(past_tests(1, NARROW).clear())
    assert book.of(PRICE) == DEFAULT_PRIOR
