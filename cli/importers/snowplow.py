"""Snowplow enriched events (CSV, contexts as JSON columns) as native events."""

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli.importers.importer import (
    BadRow,
    EventRow,
    ImportFileError,
    ImportItem,
    Request,
)

PAGE = "contexts_com_snowplowanalytics_snowplow_web_page_1_0_0"
ROBOT = "contexts_com_iab_snowplow_spiders_and_robots_1_0_0"
AGENT = "contexts_nl_basjes_yauaa_context_1_0_0"
PREFERENCES = "unstruct_event_com_snowplowanalytics_snowplow_consent_preferences_1_0_0"
BANNER = "unstruct_event_com_snowplowanalytics_snowplow_cmp_visible_1_0_0"
VITALS = "unstruct_event_com_snowplowanalytics_snowplow_web_vitals_1_0_0"

NAMES = {
    "page_ping": "engagement",
    "web_vitals": "web_vital",
    "consent_preferences": "consent",
}
"""Snowplow's event names that have a name of ours; others keep theirs."""
TEXTS = {
    "page_title": "title",
    "useragent": "userAgent",
    "geo_country": "country",
    "br_lang": "language",
    "user_id": "userId",
    "network_userid": "networkUserId",
    "app_id": "appId",
    "os_timezone": "timezone",
    "se_category": "category",
    "se_action": "action",
    "mkt_medium": "marketingMedium",
    "mkt_source": "marketingSource",
    "mkt_term": "marketingTerm",
    "mkt_content": "marketingContent",
    "mkt_campaign": "marketingCampaign",
    "mkt_clickid": "marketingClickId",
    "mkt_network": "marketingNetwork",
}
INTEGERS = {
    "domain_sessionidx": "sessionIndex",
    "pp_xoffset_min": "scrollXMin",
    "pp_xoffset_max": "scrollXMax",
    "pp_yoffset_min": "scrollYMin",
    "pp_yoffset_max": "scrollYMax",
    "br_viewwidth": "viewportWidth",
    "br_viewheight": "viewportHeight",
    "dvce_screenwidth": "screenWidth",
    "dvce_screenheight": "screenHeight",
    "doc_width": "documentWidth",
    "doc_height": "documentHeight",
}
TIMES = {
    "collector_tstamp": "collectedAt",
    "dvce_created_tstamp": "createdAt",
    "load_tstamp": "loadedAt",
}
VITAL_FIELDS = {
    "lcp": "lcp",
    "cls": "cls",
    "inp": "inp",
    "fid": "fid",
    "fcp": "fcp",
    "ttfb": "ttfb",
    "navigationtype": "navigationType",
}
CONSENT_FIELDS = {
    "eventtype": "choice",
    "basisforprocessing": "basisForProcessing",
    "consentversion": "consentVersion",
    "consentscopes": "consentScopes",
    "consenturl": "consentUrl",
    "domainsapplied": "domainsApplied",
    "gdprapplies": "gdprApplies",
}
CARRIED = (
    "event_id",
    "event_name",
    "derived_tstamp",
    "domain_userid",
    "domain_sessionid",
    "page_url",
    *TIMES,
)
"""What a dead letter shows of a bad row: never its address or place."""
ROBOT_AGENTS = ("robot", "spider", "hacker")
"""Beginnings of yauaa's agent classes for what is not a person."""


class Snowplow:
    """Every event of a file, or of all the event files in a folder.

    The rows are yielded in the order they were collected in, so that of several
    rows with one id the first in the log is the first that was collected.
    """

    name = "snowplow"
    about = "Snowplow enriched events, CSV file or folder of them, as events"
    options: Mapping[str, str] = {}

    def sniff(self, path: Path) -> bool:
        """Say whether there is a CSV file here with Snowplow's columns."""
        return any(_is_events(file) for file in _files(path))

    def read(self, path: Path, request: Request) -> Iterator[ImportItem]:
        """Yield one event a row; a row without id, time or visitor is a bad row."""
        site_id = request.site_id or "snowplow"
        files = [file for file in _files(path) if _is_events(file)]
        if not files:
            raise ImportFileError(
                f"{path}: no CSV file with the columns of Snowplow enriched events "
                "(event_id, collector_tstamp, derived_tstamp)"
            )
        rows = [row for file in files for row in _rows(file)]
        rows.sort(key=lambda row: _collected(row[1]))
        for source, row in rows:
            yield _item(site_id, source, row)


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("*.csv")) if path.is_dir() else [path]


def _is_events(path: Path) -> bool:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header = next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return False
    return {"event_id", "collector_tstamp", "derived_tstamp"} <= set(header)


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, restval="")
            for row in reader:
                yield f"{path.name}:{reader.line_num}", row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ImportFileError(f"{path}: cannot be read as CSV: {error}") from error


def _collected(row: dict[str, str]) -> tuple[str, str]:
    return row["collector_tstamp"], row.get("dvce_created_tstamp", "")


def _item(site_id: str, source: str, row: dict[str, str]) -> ImportItem:
    try:
        return EventRow(_event(site_id, row), source)
    except (ValueError, TypeError) as error:
        carried = {name: row[name] for name in CARRIED if row.get(name)}
        return BadRow(f"invalid: {error}", source, json.dumps(carried))


def _event(site_id: str, row: dict[str, str]) -> dict[str, Any]:
    name = _required(row, "event_name")
    is_page_view = name == "page_view"
    visitor_column = _visitor_column(row)
    metadata = {**_metadata(row), **_details(name, row)}
    if not is_page_view:
        metadata["name"] = NAMES.get(name, name)
    if visitor_column != "domain_userid":
        metadata["visitorFrom"] = visitor_column
    return {
        "id": _event_id(name, row),
        "siteId": site_id,
        "eventType": "page_view" if is_page_view else "interaction",
        "visitorId": row[visitor_column],
        "sessionId": row.get("domain_sessionid") or None,
        "timestamp": _time(_required(row, "derived_tstamp")),
        "sentAt": _optional_time(row.get("dvce_sent_tstamp")),
        "url": row.get("page_url") or None,
        "referrer": row.get("page_referrer") or None,
        "metadata": metadata,
    }


def _event_id(name: str, row: dict[str, str]) -> str:
    """Return the event's id; web vitals come from a table with ids of its own."""
    event_id = _required(row, "event_id")
    return f"vitals:{event_id}" if name == "web_vitals" else event_id


def _required(row: dict[str, str], column: str) -> str:
    value = row.get(column)
    if not value:
        raise ValueError(f"{column} is empty")
    return value


def _visitor_column(row: dict[str, str]) -> str:
    for column in ("domain_userid", "network_userid", "user_id"):
        if row.get(column):
            return column
    raise ValueError("domain_userid, network_userid and user_id are empty")


def _metadata(row: dict[str, str]) -> dict[str, Any]:
    agent = _context(row, AGENT)
    found: dict[str, Any] = {
        "pageViewId": _context(row, PAGE).get("id"),
        "device": str(agent.get("deviceclass") or "").lower(),
        "botReason": _bot_reason(_context(row, ROBOT), agent),
    }
    found |= {ours: row.get(theirs) for theirs, ours in TEXTS.items()}
    found |= {
        ours: int(float(row[theirs]))
        for theirs, ours in INTEGERS.items()
        if row.get(theirs)
    }
    found |= {ours: _optional_time(row.get(theirs)) for theirs, ours in TIMES.items()}
    return {name: value for name, value in found.items() if value not in (None, "")}


def _details(name: str, row: dict[str, str]) -> dict[str, Any]:
    """Return the typed fields of the events that have some."""
    if name == "web_vitals":
        return _renamed(_context(row, VITALS), VITAL_FIELDS)
    if name == "consent_preferences":
        return _renamed(_context(row, PREFERENCES), CONSENT_FIELDS)
    if name == "cmp_visible":
        elapsed = _context(row, BANNER).get("elapsedtime")
        return {} if elapsed is None else {"elapsedTime": float(elapsed)}
    return {}


def _renamed(context: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {
        ours: context[theirs]
        for theirs, ours in names.items()
        if context.get(theirs) not in (None, "")
    }


def _bot_reason(robot: dict[str, Any], agent: dict[str, Any]) -> str | None:
    if str(robot.get("spiderorrobot", "")).lower() == "true":
        return f"iab: {robot.get('reason') or 'spider or robot'}"
    agent_class = str(agent.get("agentclass") or "")
    if agent_class.lower().startswith(ROBOT_AGENTS):
        return f"yauaa: {agent_class}"
    return None


def _context(row: dict[str, str], column: str) -> dict[str, Any]:
    """Return the first context in the column, its keys without case or underscores."""
    text = row.get(column)
    if not text:
        return {}
    found = json.loads(text)
    while isinstance(found, list):
        found = found[0] if found else {}
    if not isinstance(found, dict):
        raise TypeError(f"{column} holds no context: {text[:80]}")
    return {name.replace("_", "").lower(): value for name, value in found.items()}


def _optional_time(text: str | None) -> str | None:
    return _time(text) if text else None


def _time(text: str) -> str:
    """Return the time with its zone; Snowplow's times without one are UTC."""
    moment = datetime.fromisoformat(text.strip())
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


IMPORTER = Snowplow()
