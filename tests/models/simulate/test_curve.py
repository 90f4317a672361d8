"""The learning curve: its parts against what they must be, on few and small sites."""

import numpy as np
import pytest

from models.experiments.policy import DEFAULT_POLICY
from models.priors.history import screen
from models.simulate.curve import (
    DEFAULT,
    FLAT,
    LEARNED,
    UNIFORM,
    Size,
    curve,
    draw_exam,
    run_rounds,
)
from models.simulate.portfolio import VERTICALS, Population, draw_effects, draw_sites
from models.simulate.tally import Decided, tally

SMALL = Size(sites=8, portfolios=1, rounds=2)


def test_sites_and_effects_follow_their_population() -> None:
    rng = np.random.default_rng(1)
    sites = draw_sites(4_000, Population((100, 200), (0.05, 0.1)), rng)
    assert {site.vertical for site in sites} == set(VERTICALS)
    assert all(100 <= site.visitors <= 200 for site in sites)
    assert all(0.05 <= site.rate <= 0.1 for site in sites)
    effects = draw_effects(sites, rng)
    assert np.mean(effects == 0) == pytest.approx(4 / 6, abs=0.03)
    news = np.array([site.vertical == "news" for site in sites])
    saas = np.array([site.vertical == "saas" for site in sites])
    assert effects[news].std() > 2 * effects[saas].std()


def test_rounds_leave_whole_tests_of_which_later_ones_knew_no_more_than_earlier() -> (
    None
):
    rng = np.random.default_rng(2)
    sites = draw_sites(8, Population(), rng)
    past = run_rounds(sites, 3, rng)
    assert past.height == 8 * 3 * 2
    assert set(screen(past)["reason"].drop_nulls()) <= {"too few conversions"}
    assert (past["conversions"] <= past["units"]).all()
    ended = past["ended_at"].to_list()
    assert max(ended[:16]) < min(ended[16:32])
    assert max(ended[16:32]) < min(ended[32:])


def test_every_rule_sits_the_same_exam_and_none_beats_the_truth() -> None:
    points = list(curve([SMALL], seed=1, new_sites=10))
    assert [p.rule for p in points] == [DEFAULT, FLAT, UNIFORM, LEARNED]
    assert [p.sites for p in points] == [0, 0, 0, 8]
    assert len({p.tally.winners for p in points}) == 1
    assert all(p.tally.regret > 0 for p in points)
    best = {p.rule: p.tally.value + p.tally.regret for p in points}
    assert len({round(value, 9) for value in best.values()}) == 1
    assert points[-1].past_tests > 8


def test_a_learned_prior_tells_fewer_tall_stories_than_a_flat_one() -> None:
    flat, learned = (
        next(p.tally for p in curve([SMALL], 1, new_sites=40) if p.rule == rule)
        for rule in (FLAT, LEARNED)
    )
    assert flat.told_over_true is not None
    assert learned.told_over_true is not None
    assert flat.told_over_true > 2 * learned.told_over_true
    assert learned.regret < flat.regret


def test_equal_seeds_give_equal_exams_and_others_give_others() -> None:
    one, same, other = (
        draw_exam(Population(), 3, np.random.default_rng(seed)).looks.x
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_tally_is_what_its_words_say() -> None:
    cost = DEFAULT_POLICY.cost_of_change
    told = tally(
        Decided(
            effect=np.log([1.1, 1.2, 1.0, 0.89]),
            days=np.array([0, 0, 365, 73]),
            is_shipped=np.array([True, False, True, True]),
            lift=np.array([0.2, 0.1, 0.1, 0.1]),
        )
    )
    assert (told.tests, told.shipped, told.winners) == (4, 3, 2)
    assert told.improvement == pytest.approx(-0.01 / 3)
    assert told.winners_shipped == 0.5
    assert told.told_over_true is None, "what was shipped brought nothing"
    assert told.value == pytest.approx((0.1 - cost - (0.11 + cost) * 0.8) / 4)
    assert told.regret == pytest.approx((0.3 - 2 * cost) / 4 - told.value)


def test_a_tally_of_nothing_shipped_has_no_lift() -> None:
    none = np.zeros(2)
    told = tally(Decided(none, none.astype(int), none > 0, none))
    assert (told.improvement, told.winners_shipped, told.told_over_true) == (None,) * 3
    assert (told.value, told.regret) == (0.0, 0.0)
