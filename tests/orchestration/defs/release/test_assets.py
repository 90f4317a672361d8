import msgspec

from code24.contracts.site import Site
from code24.publishing import build_shards, publish
from code24.settings import Settings
from code24.state import experiments, open_state
from tests.orchestration.homes import NOW, fill_state, running


def site(site_id: str) -> Site:
    return Site(
        site_id=site_id,
        host=f"{site_id}.example",
        vertical="grocery",
        goals=("sales",),
        write_key=f"wk_{site_id}",
        client_key=f"ck_{site_id}",
    )


def test_a_shard_holds_its_own_site_s_tests_and_no_draft() -> None:
    draft = msgspec.structs.replace(running("draft"), status="draft")
    of_sites = [site("shop"), site("other")]
    shards = build_shards(of_sites, [running("a"), draft], {"other": 0.05}, {})
    assert [(s.site_id, [t.test_id for t in s.tests]) for s in shards] == [
        ("shop", ["a"]),
        ("other", []),
    ]
    assert shards[0].client_key == "ck_shop"
    assert [shard.holdout for shard in shards] == [0.0, 0.05]


def test_a_release_is_published_once_and_noted_with_its_weights(
    settings: Settings,
) -> None:
    with open_state(settings.database_url) as state:
        fill_state(state)
    first = publish(settings, {"run": "run-1"})
    assert first is not None
    assert first.provenance == {"run": "run-1"}
    assert publish(settings, {"run": "run-2"}) is None
    with open_state(settings.database_url) as state:
        experiments.transition(state, "few", "paused", actor="test", now=NOW)
        served = experiments.note_release(state, "r", ["few"], actor="test", now=NOW)
    assert served == 0, "its weights were served by the first release"
    second = publish(settings, {"run": "run-3"})
    assert second is not None
    assert second.previous == first.release_id
