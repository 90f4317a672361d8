"""A few sound rows of each format, as their makers document them."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

from cli.importers.snowplow_columns import STREAM

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
ADDRESS = "192.0.2.77"


def native(number: int) -> dict[str, Any]:
    return {
        "id": f"e{number}",
        "siteId": "shop",
        "eventType": "page_view",
        "visitorId": f"v{number % 7}",
        "timestamp": f"2024-05-01T10:{number % 60:02}:00Z",
    }


def segment(number: int) -> dict[str, Any]:
    return {
        "messageId": f"m{number}",
        "type": "track",
        "event": "Order Completed",
        "anonymousId": f"a{number % 7}",
        "properties": {"revenue": 10 + number, "currency": "EUR"},
        "context": {"ip": ADDRESS, "userAgent": AGENT},
        "originalTimestamp": f"2024-05-01T10:{number % 60:02}:00.123Z",
        "timestamp": f"2024-05-01T10:{number % 60:02}:00.000Z",
    }


def segment_row(number: int) -> dict[str, Any]:
    """Return the same order as a row of the table ``order_completed``."""
    return {
        "id": f"m{number}",
        "anonymous_id": f"a{number % 7}",
        "event": "order_completed",
        "event_text": "Order Completed",
        "revenue": 10 + number,
        "currency": "EUR",
        "context_ip": ADDRESS,
        "context_user_agent": AGENT,
        "context_page_url": "https://shop.example/thanks",
        "context_campaign_name": "spring",
        "timestamp": f"2024-05-01 10:{number % 60:02}:00 UTC",
        "uuid_ts": "2024-05-02 00:00:00 UTC",
    }


def ga4(number: int) -> dict[str, Any]:
    return {
        "event_date": "20240501",
        "event_timestamp": str(1_714_557_600_000_000 + number * 1_000_000),
        "event_name": "purchase",
        "event_params": [
            _parameter("transaction_id", string_value=f"T{number}"),
            _parameter("ga_session_id", int_value="1714557000"),
            _parameter("page_location", string_value="https://shop.example/thanks"),
            _parameter("currency", string_value="EUR"),
            _parameter("value", double_value=99.0),
        ],
        "user_pseudo_id": f"1234.{number % 7}",
        "device": {
            "category": "mobile",
            "operating_system": "iOS",
            "web_info": {"browser": "Safari"},
        },
        "geo": {"country": "Germany", "region": "Hesse"},
        "traffic_source": {
            "name": "(direct)",
            "medium": "(none)",
            "source": "(direct)",
        },
        "collected_traffic_source": {"manual_campaign_name": "spring"},
        "ecommerce": {
            "purchase_revenue": 10.5 + number,
            "transaction_id": f"T{number}",
        },
        "items": [{"item_id": "S1", "item_name": "Shoe", "price": 10.5, "quantity": 1}],
    }


def _parameter(key: str, **value: Any) -> dict[str, Any]:
    return {"key": key, "value": value}


def snowplow(number: int) -> dict[str, str]:
    """Return a row by the stream's columns; most are empty, as in most events."""
    page = {"schema": "iglu:com.snowplowanalytics.snowplow/web_page/jsonschema/1-0-0"}
    data = [{**page, "data": {"id": f"p{number}"}}]
    contexts = {
        "schema": "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0",
        "data": data,
    }
    return {
        **dict.fromkeys(STREAM, ""),
        "event": "page_view",
        "event_name": "page_view",
        "event_id": f"00000000-0000-4000-8000-{number:012}",
        "collector_tstamp": f"2024-05-01 10:{number % 60:02}:01.000",
        "derived_tstamp": f"2024-05-01 10:{number % 60:02}:00.000",
        "domain_userid": f"u{number % 7}",
        "user_ipaddress": ADDRESS,
        "page_url": "https://shop.example/",
        "useragent": AGENT,
        "contexts": json.dumps(contexts),
    }


def log_line(number: int, path: str = "/shoes", agent: str = AGENT) -> str:
    return (
        f"192.0.2.{number % 7} - - [01/May/2024:10:{number % 60:02}:00 +0200] "
        f'"GET {path}?n={number} HTTP/1.1" 200 512 "https://search.example/" "{agent}"'
    )


def order(number: int) -> dict[str, str]:
    return {
        "order no": f"o{number}",
        "customer": f"c{number % 7}",
        "placed": f"01.05.2024 10:{number % 60:02}",
        "total": f"{10 + number},50",
        "kind": "purchase" if number % 2 else "return",
    }


MAPPING = """
delimiter = ";"

[fields]
id = "order no"
visitorId = "customer"
timestamp = "placed"
conversionValue = "total"

[metadata]
kind = "kind"

[goals]
column = "kind"
values = { purchase = "sales" }

[time]
format = "%d.%m.%Y %H:%M"
zone = "Europe/Berlin"

[value]
decimal = ","
"""


def written(folder: Path, name: str, rows: int) -> Path:
    """Write the file ``name``, one of ``FILES``, and what it needs beside it."""
    path = folder / name
    data = FILES[name](rows)
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    if name.startswith("orders"):
        (folder / "orders.mapping.toml").write_text(MAPPING)
    return path


def _json(row: Any) -> Any:
    return lambda rows: "".join(json.dumps(row(n)) + "\n" for n in range(rows)).encode()


def _table(row: Any, delimiter: str = ",") -> Any:
    def data(rows: int) -> bytes:
        text = io.StringIO()
        writer = csv.DictWriter(text, list(row(0)), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(row(n) for n in range(rows))
        return text.getvalue().encode()

    return data


def _tsv(rows: int) -> bytes:
    return "".join("\t".join(snowplow(n).values()) + "\n" for n in range(rows)).encode()


def _log(rows: int) -> bytes:
    return "".join(log_line(n) + "\n" for n in range(rows)).encode()


FILES: dict[str, Any] = {
    "native.jsonl": _json(native),
    "calls.jsonl.gz": _json(segment),
    "tracks.json": _json(segment_row),
    "ga4.json": _json(ga4),
    "stream.tsv.gz": _tsv,
    "enriched.csv": _table(snowplow),
    "enriched.json": _json(snowplow),
    "access.log.gz": _log,
    "orders.csv": _table(order, ";"),
}
FORMATS = {
    "native.jsonl": "events",
    "calls.jsonl.gz": "segment",
    "tracks.json": "segment",
    "ga4.json": "ga4",
    "stream.tsv.gz": "snowplow",
    "enriched.csv": "snowplow",
    "enriched.json": "snowplow",
    "access.log.gz": "access-log",
    "orders.csv": "mapped",
}
