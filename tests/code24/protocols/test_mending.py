"""What clients write that is nearly JSON."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from code24.protocols.mending import mended_json


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (
            b'{"a": NaN, "b": [-Infinity, 1e400, 2.5]}',
            {"a": None, "b": [None, None, 2.5]},
        ),
        (b'{"t": "cut \\ud83d"}', {"t": "cut \ufffd"}),
        (b'{"t": "\\ude00\\ud83d\\ude00"}', {"t": "\ufffd\U0001f600"}),
        (b'\xef\xbb\xbf{"t": 1}', {"t": 1}),
        (b'{"n": 99999999999999999999}', {"n": 99999999999999999999}),
    ],
)
def test_what_clients_write_is_mended(body: bytes, value: object) -> None:
    mended = mended_json(body)
    assert mended is not None
    assert json.loads(mended) == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"t": "caf\xe9"}',
        b"a=1",
        b"[" * 200_000,
        b'{"n": ' + b"9" * 5_000 + b"}",
    ],
)
def test_what_is_nothing_like_it_is_left(body: bytes) -> None:
    assert mended_json(body) is None


@given(st.recursive(st.none() | st.floats() | st.text(), st.lists))
def test_what_is_mended_is_json(value: object) -> None:
    mended = mended_json(json.dumps(value).encode())
    assert mended is not None
    msgspec.json.decode(mended)
