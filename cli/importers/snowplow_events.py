"""A row of Snowplow's enriched events as a native event, whatever file it stood in."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from cli.importers import moments
from code24.personal import unit_of

Row = Mapping[str, Any]
"""By column; a column of a context has no version at its end (``snowplow_columns``)."""

PAGE = "contexts_com_snowplowanalytics_snowplow_web_page"
ROBOT = "contexts_com_iab_snowplow_spiders_and_robots"
AGENT = "contexts_nl_basjes_yauaa_context"
PREFERENCES = "unstruct_event_com_snowplowanalytics_snowplow_consent_preferences"
BANNER = "unstruct_event_com_snowplowanalytics_snowplow_cmp_visible"
VITALS = "unstruct_event_com_snowplowanalytics_snowplow_web_vitals"
ACTION = (
    "unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action"
)
TRANSACTION = "contexts_com_snowplowanalytics_snowplow_ecommerce_transaction"

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
PERSONS = frozenset({"userId", "networkUserId"})
"""What a site's own code may have set to an e-mail address or a telephone number."""
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


def carried(row: Row) -> str:
    """Return what a dead letter shows of the row."""
    found = {name: row[name] for name in CARRIED if row.get(name)}
    return json.dumps(found, default=str)


def native_event(
    site_id: str, pseudonym: Callable[[str], str], row: Row
) -> dict[str, Any]:
    """Return the fields of the native event.

    Args:
        site_id: The site of the rows.
        pseudonym: Stands in for a user's id that says who somebody is.
        row: A row of any of the forms.

    Raises:
        ValueError: the row has no id, time or visitor, or a field is none of its kind.
        TypeError: a context is no object.
    """
    name = _required(row, "event_name")
    visitor_column = _visitor_column(row)
    metadata = {**_metadata(row), **_details(name, row)}
    for person in PERSONS & metadata.keys():
        metadata[person] = unit_of(str(metadata[person]), pseudonym)
    if visitor_column != "domain_userid":
        metadata["visitorFrom"] = visitor_column
    return {
        "id": _event_id(name, row),
        "siteId": site_id,
        "visitorId": unit_of(str(row[visitor_column]), pseudonym),
        "sessionId": row.get("domain_sessionid") or None,
        "timestamp": moments.text(_required(row, "derived_tstamp")),
        "sentAt": moments.text(row.get("dvce_sent_tstamp")),
        "url": row.get("page_url") or None,
        "referrer": row.get("page_referrer") or None,
        **_kind(name, row),
        "metadata": metadata,
    }


def _kind(name: str, row: Row) -> dict[str, Any]:
    """Return the event's type; a transaction is a sale, in either of two models."""
    if name == "page_view":
        return {"eventType": "page_view"}
    value = _sale(name, row)
    if value is None:
        return {"eventType": "interaction"}
    return {
        "eventType": "conversion",
        "goalType": "sales",
        "conversionValue": float(value) if value != "" else None,
    }


def _sale(name: str, row: Row) -> Any:
    """Return what was paid, empty where it is not said; none of what is no sale."""
    if name == "transaction":
        return row.get("tr_total") or ""
    if _context(row, ACTION).get("type") == "transaction":
        return _context(row, TRANSACTION).get("revenue") or ""
    return None


def _event_id(name: str, row: Row) -> str:
    """Return the event's id; web vitals come from a table with ids of its own."""
    event_id = str(_required(row, "event_id"))
    return f"vitals:{event_id}" if name == "web_vitals" else event_id


def _required(row: Row, column: str) -> Any:
    value = row.get(column)
    if not value:
        raise ValueError(f"{column} is empty")
    return value


def _visitor_column(row: Row) -> str:
    for column in ("domain_userid", "network_userid", "user_id"):
        if row.get(column):
            return column
    raise ValueError("domain_userid, network_userid and user_id are empty")


def _metadata(row: Row) -> dict[str, Any]:
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
    found |= {ours: moments.text(row.get(theirs)) for theirs, ours in TIMES.items()}
    return {name: value for name, value in found.items() if value not in (None, "")}


def _details(name: str, row: Row) -> dict[str, Any]:
    """Return the name of what is no page view, and the typed fields of some."""
    named = {} if name == "page_view" else {"name": NAMES.get(name, name)}
    return {**named, **_typed(name, row)}


def _typed(name: str, row: Row) -> dict[str, Any]:
    if name == "web_vitals":
        return _renamed(_context(row, VITALS), VITAL_FIELDS)
    if name == "consent_preferences":
        return _renamed(_context(row, PREFERENCES), CONSENT_FIELDS)
    if name == "cmp_visible":
        elapsed = _context(row, BANNER).get("elapsedtime")
        return {} if elapsed is None else {"elapsedTime": float(elapsed)}
    if name in {"transaction", "snowplow_ecommerce_action"}:
        return _transaction(row)
    return {}


def _transaction(row: Row) -> dict[str, Any]:
    found = _context(row, TRANSACTION)
    order = row.get("tr_orderid") or found.get("transactionid")
    currency = row.get("tr_currency") or found.get("currency")
    own = {"orderId": order, "currency": currency}
    action = _context(row, ACTION).get("type")
    named = {"action": action} if action else {}
    return {**named, **{n: v for n, v in own.items() if v}}


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


def _context(row: Row, column: str) -> dict[str, Any]:
    """Return the first context in the column, its keys without case or underscores."""
    found = row.get(column)
    if not found:
        return {}
    if isinstance(found, str):
        found = json.loads(found)
    while isinstance(found, list):
        found = found[0] if found else {}
    if not isinstance(found, dict):
        raise TypeError(f"{column} holds no context: {str(found)[:80]}")
    return {name.replace("_", "").lower(): value for name, value in found.items()}
