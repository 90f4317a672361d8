"""The Snowplow sample: enriched events, without what identifies a place or machine."""

import csv
import json
from pathlib import Path
from shutil import copyfile
from typing import Any

EVENT_COLUMNS = (
    "app_id",
    "platform",
    "collector_tstamp",
    "dvce_created_tstamp",
    "dvce_sent_tstamp",
    "derived_tstamp",
    "load_tstamp",
    "event",
    "event_name",
    "event_id",
    "user_id",
    "domain_userid",
    "domain_sessionid",
    "domain_sessionidx",
    "network_userid",
    "geo_country",
    "page_url",
    "page_title",
    "page_referrer",
    "mkt_medium",
    "mkt_source",
    "mkt_term",
    "mkt_content",
    "mkt_campaign",
    "mkt_clickid",
    "mkt_network",
    "se_category",
    "se_action",
    "pp_xoffset_min",
    "pp_xoffset_max",
    "pp_yoffset_min",
    "pp_yoffset_max",
    "useragent",
    "br_lang",
    "br_viewwidth",
    "br_viewheight",
    "dvce_screenwidth",
    "dvce_screenheight",
    "doc_width",
    "doc_height",
    "os_timezone",
    "contexts_com_snowplowanalytics_snowplow_web_page_1_0_0",
    "contexts_com_iab_snowplow_spiders_and_robots_1_0_0",
    "contexts_nl_basjes_yauaa_context_1_0_0",
    "unstruct_event_com_snowplowanalytics_snowplow_consent_preferences_1_0_0",
    "unstruct_event_com_snowplowanalytics_snowplow_cmp_visible_1_0_0",
    "unstruct_event_com_snowplowanalytics_snowplow_web_vitals_1_0_0",
)
"""What the importer reads; no address, place below the country, or e-commerce."""
YAUAA = "contexts_nl_basjes_yauaa_context_1_0_0"
YAUAA_KEYS = ("deviceClass", "device_class", "agentClass", "agent_class")
ADDRESS_HOST = "89d4-2a02-85f-f008-6d7c-61e5-16dc-e052-5734.eu.ngrok.io"
"""A tunnel's host name that spells out somebody's IPv6 address."""
STAND_IN_HOST = "consent.example"


def build(source: Path, target: Path) -> None:
    """Write the events, the web-vital events and the licence into ``target``."""
    target.mkdir(parents=True, exist_ok=True)
    for name in ("snowplow_web_events.csv", "snowplow_web_vital_events.csv"):
        rows = _read(source / "source" / name)
        _write(target / name, [_reduce(row) for row in rows if row["event_id"]])
    copyfile(source / "LICENSE", target / "LICENSE")


def _reduce(row: dict[str, str]) -> dict[str, str]:
    kept = {name: row.get(name, "") for name in EVENT_COLUMNS}
    kept["page_url"] = kept["page_url"].replace(ADDRESS_HOST, STAND_IN_HOST)
    kept[YAUAA] = json.dumps([_classes(item) for item in json.loads(kept[YAUAA])])
    return kept


def _classes(agent: dict[str, Any]) -> dict[str, Any]:
    return {name: agent[name] for name in YAUAA_KEYS if name in agent}


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    used = [name for name in EVENT_COLUMNS if any(row[name] for row in rows)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, used, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
