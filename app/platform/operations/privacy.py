"""What was erased, and how long events are kept; erasing itself is the command's."""

from app.platform.operations.operation import Call, Nothing, Operation, asked
from code24.contracts.wire import Contract
from code24.state import erasures, retention
from code24.state.erasures import Erasure
from code24.state.retention import KeptDays


class ErasureList(Contract, frozen=True, kw_only=True):
    """The receipts, the newest first; ids stand in them as keyed hashes."""

    erasures: list[Erasure]


class ErasureFilter(Contract, frozen=True, kw_only=True):
    """Which receipts."""

    site_id: str | None = None


class RetentionList(Contract, frozen=True, kw_only=True):
    """How long each site's events are kept."""

    retention: list[KeptDays]


def _erasures(call: Call) -> ErasureList:
    wanted = asked(call, ErasureFilter)
    return ErasureList(erasures=erasures.list_erasures(call.state, wanted.site_id))


def _erasure(call: Call) -> Erasure:
    return erasures.get_erasure(call.state, call.path["erasure_id"])


def _retention(call: Call) -> RetentionList:
    asked(call, Nothing)
    kept = retention.kept_days(call.state, call.settings.retention_days)
    return RetentionList(retention=kept)


PRIVACY = (
    Operation(
        "GET",
        "/v1/erasures",
        "The receipts of erasures, the newest first.",
        _erasures,
        ErasureList,
        ErasureFilter,
    ),
    Operation("GET", "/v1/erasures/{erasure_id}", "One receipt.", _erasure, Erasure),
    Operation(
        "GET",
        "/v1/retention",
        "How long each site's events are kept.",
        _retention,
        RetentionList,
    ),
)
