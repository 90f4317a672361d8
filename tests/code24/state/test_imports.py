"""The ledger: a file is known by its content, and goes on where it stopped."""

import pytest

from code24.state import NotKnownError, State, StateError, audit, imports
from tests.code24.state.conftest import NOW


def _begin(
    state: State, sha256: str = "ab" * 32, source: str = "a.csv"
) -> imports.ImportRow:
    return imports.begin(state, source, sha256, "csv", actor="cli", now=NOW)


def _advance(state: State, row: imports.ImportRow, done: int) -> imports.ImportRow:
    counts = {"accepted": done}
    return imports.advance(state, row.import_id, done, counts, actor="cli", now=NOW)


def test_an_interrupted_import_goes_on_where_it_stopped(state: State) -> None:
    row = _begin(state)
    _advance(state, row, 500)
    again = _begin(state, source="renamed.csv")
    assert (again.import_id, again.rows_done) == (row.import_id, 500)
    assert (again.status, again.counts) == ("running", {"accepted": 500})


def test_a_finished_file_says_so_when_it_comes_again(state: State) -> None:
    row = _begin(state)
    imports.finish(state, row.import_id, actor="cli", now=NOW)
    assert _begin(state).status == "complete"
    assert [entry.finished_at for entry in imports.list_imports(state)] == [NOW]


def test_other_content_and_another_site_are_other_imports(state: State) -> None:
    first, second = _begin(state), _begin(state, "cd" * 32)
    third = imports.begin(
        state, "a.csv", "ab" * 32, "csv", site_id="shop", actor="cli", now=NOW
    )
    assert len({first.import_id, second.import_id, third.import_id}) == 3


def test_a_finished_import_cannot_go_on(state: State) -> None:
    row = _begin(state)
    imports.finish(state, row.import_id, actor="cli", now=NOW)
    with pytest.raises(StateError, match=r"of 'a\.csv' is complete"):
        _advance(state, row, 1)


def test_an_import_does_not_go_backwards(state: State) -> None:
    row = _begin(state)
    _advance(state, row, 500)
    with pytest.raises(StateError, match="got to row 500 already, not 499"):
        _advance(state, row, 499)


def test_an_unknown_import_is_named(state: State) -> None:
    with pytest.raises(NotKnownError, match="import 'gone' is not known"):
        imports.finish(state, "gone", actor="cli", now=NOW)


def test_every_step_is_audited(state: State) -> None:
    row = _begin(state)
    _advance(state, row, 10)
    imports.finish(state, row.import_id, actor="cli", now=NOW)
    entries = audit.list_entries(state, subject=f"import:{row.import_id}")
    assert [entry.action for entry in entries] == [
        "import.finish",
        "import.advance",
        "import.begin",
    ]
