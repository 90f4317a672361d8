"""The columns of Snowplow's enriched events: of the TSV stream, and of contexts.

The stream has no header: 131 columns in an agreed order (docs.snowplow.io,
"Understanding the enriched TSV format"), three of which hold self-describing JSON.
Loaders and analytics SDKs spread these over columns named after vendor, name and
version.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

STREAM: tuple[str, ...] = tuple(
    """
    app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id
    txn_id name_tracker v_tracker v_collector v_etl user_id user_ipaddress
    user_fingerprint domain_userid domain_sessionidx network_userid geo_country
    geo_region geo_city geo_zipcode geo_latitude geo_longitude geo_region_name
    ip_isp ip_organization ip_domain ip_netspeed page_url page_title page_referrer
    page_urlscheme page_urlhost page_urlport page_urlpath page_urlquery
    page_urlfragment refr_urlscheme refr_urlhost refr_urlport refr_urlpath
    refr_urlquery refr_urlfragment refr_medium refr_source refr_term mkt_medium
    mkt_source mkt_term mkt_content mkt_campaign contexts se_category se_action
    se_label se_property se_value unstruct_event tr_orderid tr_affiliation tr_total
    tr_tax tr_shipping tr_city tr_state tr_country ti_orderid ti_sku ti_name
    ti_category ti_price ti_quantity pp_xoffset_min pp_xoffset_max pp_yoffset_min
    pp_yoffset_max useragent br_name br_family br_version br_type br_renderengine
    br_lang br_features_pdf br_features_flash br_features_java br_features_director
    br_features_quicktime br_features_realplayer br_features_windowsmedia
    br_features_gears br_features_silverlight br_cookies br_colordepth br_viewwidth
    br_viewheight os_name os_family os_manufacturer os_timezone dvce_type
    dvce_ismobile dvce_screenwidth dvce_screenheight doc_charset doc_width
    doc_height tr_currency tr_total_base tr_tax_base tr_shipping_base ti_currency
    ti_price_base base_currency geo_timezone mkt_clickid mkt_network etl_tags
    dvce_sent_tstamp refr_domain_userid refr_dvce_tstamp derived_contexts
    domain_sessionid derived_tstamp event_vendor event_name event_format
    event_version event_fingerprint true_tstamp
    """.split()  # noqa: SIM905
)
NEEDED = frozenset({"event_id", "collector_tstamp", "derived_tstamp"})
"""By these a file of enriched events is known."""
_VERSION = re.compile(r"_\d+(?:_\d+_\d+)?$")
_SCHEMA = re.compile(r"iglu:([^/]+)/([^/]+)/jsonschema/\d+-\d+-\d+")


def stream_row(text: str) -> dict[str, Any]:
    """Return a line of the stream as a row.

    Raises:
        ValueError: it has another number of columns.
    """
    values = text.split("\t")
    if len(values) != len(STREAM):
        raise ValueError(f"{len(values)} columns, the stream has {len(STREAM)}")
    return dict(zip(STREAM, values, strict=True))


def spread(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row with each context in a column of its own, without its version.

    Raises:
        ValueError: a context is no JSON, or does not describe itself.
    """
    found = {_name(column): value for column, value in row.items() if column}
    return {**found, **_contexts(row)}


def _contexts(row: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column in ("contexts", "derived_contexts"):
        for context in _data(row.get(column), list):
            found.setdefault(_column("contexts", context), []).append(context["data"])
    event = _data(row.get("unstruct_event"), dict)
    return (
        {**found, _column("unstruct_event", event): event["data"]} if event else found
    )


def _data(value: Any, kind: type[Any]) -> Any:
    """Return what a self-describing document describes, empty where it is none."""
    document = json.loads(value) if isinstance(value, str) and value else value
    data = document.get("data") if isinstance(document, dict) else None
    return data if isinstance(data, kind) else kind()


def _column(prefix: str, described: Any) -> str:
    found = _SCHEMA.fullmatch(str(described.get("schema")))
    if found is None or "data" not in described:
        raise ValueError(f"{prefix}: {str(described)[:80]} describes itself wrongly")
    return f"{prefix}_{_snake(found[1])}_{_snake(found[2])}"


@lru_cache(1_000)
def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[.\-]", "_", name).lower()


@lru_cache(1_000)
def _name(column: str) -> str:
    is_context = column.startswith(("contexts_", "unstruct_event_"))
    return _VERSION.sub("", column) if is_context else column
