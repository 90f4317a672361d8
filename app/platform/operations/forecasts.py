"""What tests can be expected to bring: asked here, answered by a worker."""

from app.platform.operations.operation import OPERATOR, Call, Operation, now, sent
from code24.contracts.forecast import Assumptions, Forecast
from code24.state import NotKnownError, forecasts


def _plan(call: Call) -> Forecast:
    test_id = call.path["test_id"]
    found = forecasts.find_plan(call.state, test_id)
    if found is None:
        raise NotKnownError(
            f"test {test_id!r} has no plan yet: ask for one with POST on this address"
        )
    return found


def _ask(call: Call) -> Forecast:
    assumed = sent(call, Assumptions)
    test_id = call.path["test_id"]
    return forecasts.plan(call.state, test_id, assumed, actor=OPERATOR, now=now())


def _forecast(call: Call) -> Forecast:
    return forecasts.get_forecast(call.state, call.path["forecast_id"])


FORECASTS = (
    Operation(
        "GET",
        "/v1/tests/{test_id}/plan",
        "What a test can show, how long it takes and what it is worth; made once a day "
        "for drafts, and for any test when asked.",
        _plan,
        Forecast,
    ),
    Operation(
        "POST",
        "/v1/tests/{test_id}/plan",
        "Ask for a plan; what is not given is as the site has it. A worker answers "
        "within seconds: look at the forecast of the id.",
        _ask,
        Forecast,
        body=Assumptions,
    ),
    Operation(
        "GET",
        "/v1/forecasts/{forecast_id}",
        "A question about a test's future, with its answer once it is found.",
        _forecast,
        Forecast,
    ),
)
