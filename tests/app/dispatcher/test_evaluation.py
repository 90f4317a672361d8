"""Evaluation on the server gives what a client would have decided itself."""

from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest
from growthbook import GrowthBook

from app.dispatcher.evaluation import Visitor, evaluate_all
from app.dispatcher.store import Site, Store
from code24.contracts.experiment import Namespace
from tests.code24.releasing import ReleaseHome, ab_test, shard

UNITS = [f"visitor-{number}" for number in range(3_000)]
TESTS = (
    ab_test("plain"),
    ab_test("tilted", traffic_split=(0.9, 0.1), coverage=0.4, seed="🌱"),
    ab_test("old", hash_version=1),
    ab_test("sliced", namespace=Namespace(name="checkout", low=0.2, high=0.7)),
    ab_test("over", status="complete", winner_variant="bold"),
    ab_test("lost", status="complete", winner_variant="control"),
    ab_test("given-up", status="complete"),
    ab_test("waiting", status="draft"),
    ab_test("resting", status="paused"),
    ab_test("stopped"),
)
OFF = frozenset({"stopped"})


@pytest.fixture(params=[0.0, 0.1], ids=["no holdout", "a tenth held out"])
def client(request: pytest.FixtureRequest, home: ReleaseHome) -> Iterator[GrowthBook]:
    home.publish(shard("shop", *TESTS, holdout=request.param))
    answered = msgspec.json.decode(_site(home).answer.body)
    client = GrowthBook(features=answered["features"])
    yield client
    client.destroy()


def _site(home: ReleaseHome) -> Site:
    store = Store(home.reader)
    home.publisher.set_switches([], sorted(OFF))
    store.refresh_switches()
    store.refresh_release()
    return store.serving.sites["ck_shop"]


def test_each_unit_gets_what_the_client_gives_it_and_is_counted_alike(
    home: ReleaseHome, client: GrowthBook
) -> None:
    site = _site(home)
    counted = 0
    for unit in UNITS:
        client.set_attributes({"id": unit})
        for outcome in evaluate_all(site, Visitor(unit)):
            theirs = client.eval_feature(outcome.flag)
            assert (outcome.flag, outcome.value) == (outcome.flag, theirs.value)
            result = theirs.experimentResult
            is_in = result is not None and result.inExperiment
            assert (outcome.test is not None) == is_in
            if result is not None and outcome.test is not None:
                assert theirs.experiment is not None
                assert outcome.test.test_id == theirs.experiment.key
                assert outcome.index == result.variationId
                counted += 1
    assert counted > 2 * len(UNITS)


def test_reasons_are_told(home: ReleaseHome) -> None:
    home.publish(shard("shop", *TESTS))
    told = {
        outcome.flag: outcome.reason
        for outcome in evaluate_all(_site(home), Visitor("u"))
    }
    assert told == {
        "plain": "SPLIT",
        "tilted": told["tilted"],
        "old": "SPLIT",
        "sliced": told["sliced"],
        "over": "STATIC",
        "lost": "STATIC",
        "given-up": "DISABLED",
        "waiting": "DISABLED",
        "resting": "DISABLED",
        "stopped": "DISABLED",
    }


def test_no_unit_takes_part_in_nothing(home: ReleaseHome) -> None:
    home.publish(shard("shop", *TESTS))
    assert all(found.test is None for found in evaluate_all(_site(home), Visitor("")))


def test_a_site_that_is_off_evaluates_to_nothing(home: ReleaseHome) -> None:
    home.publish(shard())
    site = _site(home)
    off = replace(site, is_off=True)
    assert list(evaluate_all(off, Visitor("u"))) == []
