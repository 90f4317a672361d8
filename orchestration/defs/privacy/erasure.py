"""Erasing a visitor or a site from every store, step by step, with a receipt.

The erasure is noted in shared state first, by hashes: from then on no door and no drain
takes what the subject did before, so nothing comes back behind a step. Each store is a
step, noted once it is done; killed anywhere, the same command goes on from there.
"""

import fcntl
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from code24 import event_log
from code24.errors import Code24Error
from code24.privacy.subject import Subject
from code24.settings import Settings
from code24.state import State, erasures
from orchestration.defs.privacy.linking import with_linked_ids
from orchestration.defs.privacy.registry import all_stores
from orchestration.defs.privacy.store import Counts, Home
from orchestration.defs.raw.drain import drain
from orchestration.instance import prepare
from orchestration.resources import turn
from orchestration.run import StepUpdate, run_loop

FOUND = "found"
"""What the receipt calls the counts of before: a step that was killed and begun again
finds less than there was."""
REBUILD = "aggregates"
"""The step that builds anew what counted the subject."""
DOOR_SECONDS = 2.5
"""How old an open collector's or import's list of the erased may be: it polls each
second, an import reads it with each batch."""

OnStep = Callable[[str, Counts], None]
"""Told each step as it ends."""


class ErasureError(Code24Error):
    """Something of the subject is left; the same command goes on."""


def look(settings: Settings, state: State, subject: Subject) -> Mapping[str, Counts]:
    """Return what would be removed from each store; changes nothing."""
    home = Home(settings, state)
    return {store.name: store.find(home, subject) for store in all_stores()}


def linked(settings: Settings, subject: Subject) -> Subject:
    """Return the visitor with its further ids, as far as raw knows them."""
    return with_linked_ids(subject, settings.raw / "events")


def erase(
    settings: Settings,
    state: State,
    subject: Subject,
    *,
    actor: str,
    on_step: OnStep = lambda _step, _counts: None,
) -> erasures.Erasure:
    """Remove the subject everywhere, build anew what counted it, return the receipt.

    Raises:
        ErasureError: the rebuilding run failed, or something is left.
        Code24Error: a store cannot be opened; what is done stays done.
    """
    home = Home(settings, state)
    prepare(settings)
    with turn(settings):
        drain(settings.log, settings.raw, erased=erasures.erased(state))
        subject = linked(settings, subject)
        now = datetime.now(UTC)
        erasure = erasures.begin(state, subject, actor=actor, now=now)
        subject = subject.with_hashes(erasure.id_hashes)
        _await_doors(settings.log)
        if FOUND not in erasure.steps:
            found = look(settings, state, subject)
            erasures.note_step(state, erasure.erasure_id, FOUND, found)
        _run_steps(home, subject, erasure, on_step, after_rebuild=False)
    if REBUILD not in erasures.get_erasure(state, erasure.erasure_id).steps:
        _note(home, erasure, REBUILD, _rebuild(settings), on_step)
    with turn(settings):
        _run_steps(home, subject, erasure, on_step, after_rebuild=True)
        require_gone(home, subject)
    return erasures.finish(
        state, erasure.erasure_id, actor=actor, now=datetime.now(UTC)
    )


def require_gone(home: Home, subject: Subject) -> None:
    """Look into every store once more.

    Raises:
        ErasureError: something of the subject is there; says where and how much.
    """
    left = {
        store.name: dict(counts)
        for store in all_stores()
        if any((counts := store.find(home, subject)).values())
    }
    if left:
        raise ErasureError(
            f"of {subject.site_id!r} something is left: {left}; run the same again"
        )


def _run_steps(
    home: Home,
    subject: Subject,
    erasure: erasures.Erasure,
    on_step: OnStep,
    *,
    after_rebuild: bool,
) -> None:
    for store in all_stores():
        done = erasures.get_erasure(home.state, erasure.erasure_id).steps
        if store.after_rebuild is after_rebuild and store.name not in done:
            _note(home, erasure, store.name, store.erase(home, subject), on_step)


def _note(
    home: Home, erasure: erasures.Erasure, step: str, counts: Counts, on_step: OnStep
) -> None:
    erasures.note_step(home.state, erasure.erasure_id, step, counts)
    on_step(step, counts)


def _rebuild(settings: Settings) -> Counts:
    updates: list[StepUpdate] = []
    result = run_loop(settings, updates.append)
    if not result.is_success:
        raise ErasureError(
            "all is removed, but what counted it could not be built anew: "
            f"{'; '.join(result.failures)}; repair that and run the same again"
        )
    return {"steps": sum(update.status == "finished" for update in updates)}


def _await_doors(log: Path) -> None:
    """Wait until every open door knows of the erasure."""
    if any(_is_open(log / name / "lock") for name in event_log.partitions(log)):
        time.sleep(DOOR_SECONDS)


def _is_open(lock: Path) -> bool:
    """Tell whether a process writes the partition."""
    with closing(lock.open("rb")) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
