"""Recommendations and actions for one person, from the site's audience."""

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.dispatcher import bodies
from app.dispatcher.store import Stamp, Store, stamp
from code24.audience import OpenAudience, open_audience
from code24.audience.layout import SALT, AudienceLayout
from code24.contracts.audience import Member
from code24.contracts.wire import encode
from code24.errors import Code24Error
from code24.privacy.subject import id_hash
from code24.releases.keys import load_public

LOG = logging.getLogger("code24.dispatcher")

MOST_OPEN = 256
"""Audiences that are open at one time; each holds a file. Range 16 to 4,096."""

UnitId = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class _Body(msgspec.Struct, rename="camel"):
    unit_id: UnitId


@dataclass(frozen=True, slots=True)
class _Kept:
    stamp: Stamp
    salt: str
    found: OpenAudience | None


class Audiences:
    """The audiences of the sites that are asked for, the last good one of each."""

    def __init__(self, releases: Path, keys: Path) -> None:
        self._releases, self._keys = releases, keys
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._problems: dict[str, str] = {}
        self._opening = asyncio.Lock()

    @property
    def reason(self) -> str | None:
        """Return why an audience is not what should be served; none where all are."""
        return "; ".join(self._problems.values()) or None

    async def find(
        self, site_id: str, unit_id: str
    ) -> tuple[OpenAudience, Member] | None:
        """Return the site's audience and the person in it; none where one is not."""
        kept = await self._of(site_id)
        if kept.found is None:
            return None
        member = kept.found.find(id_hash(kept.salt, site_id, unit_id))
        return None if member is None else (kept.found, member)

    async def _of(self, site_id: str) -> _Kept:
        layout = AudienceLayout(self._releases, site_id)
        held = self._fresh(layout)
        if held is not None:
            return held
        async with self._opening:
            return self._fresh(layout) or await self._renewed(layout)

    def _fresh(self, layout: AudienceLayout) -> _Kept | None:
        held = self._kept.get(layout.site_id)
        if held is None or held.stamp != stamp(layout.head):
            return None
        self._kept.move_to_end(layout.site_id)
        return held

    async def _renewed(self, layout: AudienceLayout) -> _Kept:
        now, before = stamp(layout.head), self._kept.get(layout.site_id)
        held = await self._opened(layout, before, now)
        self._kept[layout.site_id] = held
        self._kept.move_to_end(layout.site_id)
        self._close_oldest()
        return held

    async def _opened(
        self, layout: AudienceLayout, before: _Kept | None, now: Stamp
    ) -> _Kept:
        """Open the audience; where it cannot be trusted the last good one goes on."""
        try:
            salt, found = await asyncio.to_thread(self._open, layout)
        except Code24Error as error:
            self._alarm(layout.site_id, str(error))
            held = (before.salt, before.found) if before else ("", None)
            return _Kept(now, *held)
        self._problems.pop(layout.site_id, None)
        if before is not None and before.found is not None:
            before.found.close()
        return _Kept(now, salt, found)

    def _open(self, layout: AudienceLayout) -> tuple[str, OpenAudience | None]:
        if stamp(layout.head) is None:
            return "", None
        path = self._keys / SALT
        try:
            salt = path.read_text(encoding="ascii")
        except OSError as error:
            raise Code24Error(
                f"{path}: {error.strerror}; copy it from the machine that publishes"
            ) from None
        return salt, open_audience(layout, load_public(self._keys / "verify.pub"))

    def _alarm(self, site_id: str, problem: str) -> None:
        if self._problems.get(site_id) != problem:
            LOG.error("ALARM audience: %s", problem)
        self._problems[site_id] = problem

    def _close_oldest(self) -> None:
        while len(self._kept) > MOST_OPEN:
            _, oldest = self._kept.popitem(last=False)
            if oldest.found is not None:
                oldest.found.close()


def routes() -> list[Route]:
    """Return the route: the id is in the body, as addresses are logged."""
    return [Route("/v1/audience/{client_key}", _asked, methods=["POST"])]


async def _asked(request: Request) -> Response:
    store: Store = request.app.state.store
    audiences: Audiences = request.app.state.audiences
    key = request.path_params["client_key"]
    site = store.serving.sites.get(key)
    if site is None:
        told = f"client key {key[:64]!r} is unknown; see: code24 site list"
        return _json({"error": told}, 404)
    try:
        body = await bodies.read(request, _Body)
    except bodies.BodyError as error:
        return _json({"error": str(error)}, error.status)
    site_id = site.shard.site_id
    found = None if site.is_off else await audiences.find(site_id, body.unit_id)
    if found is None:
        return _json({"madeAt": None, "recommendations": [], "actions": []})
    audience, member = found
    return _json(
        {
            "madeAt": audience.head.made_at,
            "recommendations": member.recommendations,
            "actions": member.actions,
        }
    )


def _json(content: object, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(encode(content), status, headers, "application/json")
