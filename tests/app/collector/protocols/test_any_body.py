"""Whatever a body holds, a protocol answers: never an error of the server's own."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.collector.protocols import PROTOCOLS
from app.collector.protocols.growthbook import EVALUATIONS, EXPOSURES
from app.collector.protocols.plausible import SHORT
from code24.contracts.wire import encode
from code24.protocols.goal_events import GOAL_EVENTS, VALUES
from code24.protocols.segment import CONTEXT
from tests.app.collector.serving import Served

WORDS = [
    *("type", "event", "name", "batch", "events", "properties", "traits", "context"),
    *("anonymousId", "userId", "groupId", "previousId", "messageId", "sentAt"),
    *("timestamp", "originalTimestamp", "page", "url", "referrer", "goalType"),
    *("event_name", "properties_json", "hashValue", "hashAttribute", "device_id"),
    *("experimentId", "variationId", "amount", "currency", "email", "writeKey"),
    *(*SHORT, *SHORT.values(), *VALUES, *CONTEXT),
]
TEXTS = [
    *("track", "page", "identify", "group", "alias", "screen", "pageview"),
    *("engagement", "2026-11-05", "2026-11-05T12:00:00", "1e999", "NaN", "-0", "@."),
    *(*EXPOSURES, *EVALUATIONS, *list(GOAL_EVENTS)[:3], "\x00", "shop.example"),
]
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(TEXTS)
    | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=3), inner)
    ),
    max_leaves=12,
)
PATHS = [(p.name, path) for p in PROTOCOLS for path in p.routes]
LIKELY: dict[str, Callable[[Any], Any]] = {
    "segment": lambda body: {"batch": [body, body], "anonymousId": "a"},
    "plausible": lambda body: {"d": "shop.example", "n": "x", "p": body, "$": body},
    "growthbook": lambda body: [body, {"event_name": "x", "properties_json": body}],
    "native": lambda body: {"events": [body]},
}


@pytest.mark.parametrize(("name", "path"), PATHS)
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(body=values, is_likely=st.booleans())
def test_any_json_is_answered(
    served: Served, name: str, path: str, body: Any, is_likely: bool
) -> None:
    content = encode(LIKELY[name](body) if is_likely else body)
    assert status(served, name, path, content) in {200, 202, 400, 401}


@pytest.mark.parametrize(("name", "path"), PATHS)
@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(content=st.binary(max_size=60))
def test_any_bytes_are_answered(
    served: Served, name: str, path: str, content: bytes
) -> None:
    assert status(served, name, path, content) in {200, 202, 400, 401}


@pytest.mark.parametrize(("name", "path"), PATHS)
@pytest.mark.parametrize("levels", [9, 300, 900, 5_000, 100_000])
def test_deep_bodies_are_answered(
    served: Served, name: str, path: str, levels: int
) -> None:
    deep = b'{"x":' * levels + b"1" + b"}" * levels
    body = {
        "segment": b'{"batch":[{"type":"track","event":"x","anonymousId":"a",'
        b'"properties":%s}],"type":"track","event":"x","properties":%s}',
        "plausible": b'{"d":"shop.example","n":"x","p":%s,"$":%s}',
        "growthbook": b'[{"event_name":"x","properties_json":%s},%s]',
        "native": b'{"events":[%s,%s]}',
    }[name]
    size = len(deep) * 2
    answered = status(served, name, path, body % (deep, deep))
    assert answered in ({200, 202, 400} if size < 500_000 else {413})


def status(served: Served, name: str, path: str, content: bytes) -> int:
    """Send as a client of the protocol would; return the answer's status."""
    query = {"client_key": served.site.client_key} if name == "growthbook" else None
    options: dict[str, Any] = {"content": content, "params": query}
    if name in {"native", "segment"}:
        options["auth"] = (served.site.write_key, "")
    return served.client.post(path, **options).status_code


def test_all_protocols_are_tried() -> None:
    assert {name for name, _ in PATHS} == LIKELY.keys()
    assert len(PATHS) == len({path for _, path in PATHS})
