"""The kill switch of a site or of a test."""

from app.platform.operations.operation import OPERATOR, Call, Operation, now, sent
from code24.contracts.release import Switches
from code24.contracts.wire import Contract
from code24.releases import Publisher, Reader
from code24.settings import Settings
from code24.state import State, audit, experiments, sites


class SwitchRequest(Contract, frozen=True, kw_only=True):
    """Turn one site or one test off, or on again."""

    is_off: bool
    site_id: str | None = None
    test_id: str | None = None

    def __post_init__(self) -> None:
        """Reject a request that names both or neither."""
        if (self.site_id is None) == (self.test_id is None):
            raise ValueError("name one of siteId and testId")


def _switches(call: Call) -> Switches:
    return _reader(call.settings).switches()


def _switch(call: Call) -> Switches:
    """Write the switch first: it must act even where it cannot be audited."""
    wanted = sent(call, SwitchRequest)
    subject = _known(call.state, wanted)
    publisher = Publisher(call.settings.releases, call.settings.keys)
    before = _reader(call.settings).switches()
    after = publisher.switch(
        is_off=wanted.is_off,
        site_ids=[wanted.site_id] if wanted.site_id else [],
        test_ids=[wanted.test_id] if wanted.test_id else [],
    )
    if after != before:
        audit.note(
            call.state,
            "switch.off" if wanted.is_off else "switch.on",
            subject,
            actor=OPERATOR,
            now=now(),
            before=before,
            after=after,
        )
    return after


def _known(state: State, wanted: SwitchRequest) -> str:
    if wanted.site_id is not None:
        return f"site:{sites.get_site(state, wanted.site_id).site_id}"
    return f"test:{experiments.get_test(state, str(wanted.test_id)).test_id}"


def _reader(settings: Settings) -> Reader:
    return Reader(settings.releases, settings.keys / "verify.pub")


SWITCHES = (
    Operation("GET", "/v1/switches", "What is switched off.", _switches, Switches),
    Operation(
        "POST",
        "/v1/switches",
        "Switch a site or a test off or on; it acts within half a second.",
        _switch,
        Switches,
        body=SwitchRequest,
    ),
)
