"""The sites."""

from app.platform.operations.operation import Call, Nothing, Operation, asked
from code24.contracts.site import Site
from code24.contracts.wire import Contract
from code24.state import sites


class SiteList(Contract, frozen=True, kw_only=True):
    """The sites with their goals and public keys, by id."""

    sites: list[Site]


def _sites(call: Call) -> SiteList:
    asked(call, Nothing)
    return SiteList(sites=sites.list_sites(call.state))


SITES = (Operation("GET", "/v1/sites", "The sites.", _sites, SiteList),)
