"""The one place for settings: the environment, then ``.env``, then the defaults."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from code24.errors import Code24Error

PROJECT_ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
TELEMETRY_OFF = {
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
}
"""Nothing that Code24 starts may report home; every process starts with these."""


class SettingError(Code24Error):
    """A setting has a value that cannot be used."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where each process listens, on 127.0.0.1."""

    collector: int = 8401
    dispatcher: int = 8402
    platform: int = 8403
    console: int = 8404
    dagster: int = 8405
    docs: int = 8406


def utc_now() -> datetime:
    """Return what the machine's clock shows."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings; every path that a run makes lies below ``home``."""

    home: Path = PROJECT_ROOT / "data" / "local"
    reference_data: Path = PROJECT_ROOT.parent / "shared" / "data"
    state_url: str = ""
    ports: Ports = field(default_factory=Ports)
    raw_compact_files: int = 16
    """Files of one received date beyond which raw events are compacted."""
    warehouse_memory: str = "4GB"
    """What DuckDB holds in memory at most; it spills the rest beside its file."""
    collector_min_free_mb: int = 512
    """Free space below which the collector answers 429 rather than fill the disk."""
    retention_days: int = 0
    """Days after which an event is removed everywhere; 0 keeps events until erased."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Whose ``X-Forwarded-For`` is believed; nobody's by default."""

    collector_url: str = ""
    """Where browsers reach the collector; empty where no proxy stands before it."""
    clock: Callable[[], datetime] = utc_now
    """What decisions take for now. A simulation has its own; the environment has no
    say in it, so that no other process can be misled."""

    @property
    def collector_address(self) -> str:
        """Return the address of the collector for a page's tag, without a last /."""
        return self.collector_url or f"http://{HOST}:{self.ports.collector}"

    @property
    def database_url(self) -> str:
        """Return the address of the shared state; SQLite below ``home`` by default."""
        return self.state_url or f"sqlite:///{self.home / 'state' / 'state.db'}"

    @property
    def log(self) -> Path:
        """Return the folder of the event log, one folder a partition."""
        return self.home / "log"

    @property
    def live(self) -> Path:
        """Return the folder of the collector's live state, which the log can remake."""
        return self.home / "live"

    @property
    def raw(self) -> Path:
        """Return the folder of the raw Parquet files."""
        return self.home / "raw"

    @property
    def committed(self) -> Path:
        """Return the file of how far each partition of the log is in the raw files."""
        return self.raw / "events" / "committed.json"

    @property
    def warehouse(self) -> Path:
        """Return the DuckDB file; no serving process opens it."""
        return self.home / "warehouse" / "code24.duckdb"

    @property
    def releases(self) -> Path:
        """Return the folder of manifests, shards, ``CURRENT`` and switches."""
        return self.home / "releases"

    @property
    def reports(self) -> Path:
        """Return the folder of the console's marts."""
        return self.home / "reports"

    @property
    def keys(self) -> Path:
        """Return the folder of the signing key; servers read its public half alone."""
        return self.home / "keys"

    @property
    def salts(self) -> Path:
        """Return the folder of the salts of cookieless ids, two days' at most."""
        return self.home / "salts"

    @property
    def lists(self) -> Path:
        """Return the folder of an operator's lists of faked referrers and networks."""
        return self.home / "lists"

    @property
    def dagster_home(self) -> Path:
        """Return Dagster's instance folder."""
        return self.home / "dagster"

    @property
    def dbt_target(self) -> Path:
        """Return dbt's target folder (manifest, partial parse, run results)."""
        return self.home / "dbt"

    @property
    def docs(self) -> Path:
        """Return the folder of the built manual (``/``) and dbt docs (``/dbt``)."""
        return self.home / "docs"

    @property
    def bench(self) -> Path:
        """Return the file that ``make bench`` writes."""
        return self.home / "bench.json"

    def environment(self) -> dict[str, str]:
        """Return what a child process needs to see these same settings."""
        ports = {
            f"CODE24_{name.upper()}_PORT": str(getattr(self.ports, name))
            for name in Ports.__slots__
        }
        return {
            **TELEMETRY_OFF,
            **ports,
            "CODE24_HOME": str(self.home),
            "CODE24_REFERENCE_DATA": str(self.reference_data),
            "CODE24_STATE_URL": self.database_url,
            "CODE24_RAW_COMPACT_FILES": str(self.raw_compact_files),
            "CODE24_WAREHOUSE_MEMORY": self.warehouse_memory,
            "CODE24_RETENTION_DAYS": str(self.retention_days),
            "CODE24_COLLECTOR_MIN_FREE_MB": str(self.collector_min_free_mb),
            "CODE24_COLLECTOR_URL": self.collector_url,
            "CODE24_TRUSTED_PROXIES": ",".join(map(str, self.trusted_proxies)),
            "DAGSTER_HOME": str(self.dagster_home),
        }


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from ``environ`` (the process's own by default) and ``.env``.

    Raises:
        SettingError: a value cannot be used; names the variable and the value.
    """
    given = dict(os.environ if environ is None else environ)
    values = {**_read_dotenv(PROJECT_ROOT / ".env"), **given}
    ports = Ports(
        **{
            name: _port(values, f"CODE24_{name.upper()}_PORT", getattr(Ports(), name))
            for name in Ports.__slots__
        }
    )
    return Settings(
        home=_path(values, "CODE24_HOME", PROJECT_ROOT / "data" / "local"),
        reference_data=_path(
            values, "CODE24_REFERENCE_DATA", PROJECT_ROOT.parent / "shared" / "data"
        ),
        state_url=values.get("CODE24_STATE_URL", ""),
        ports=ports,
        raw_compact_files=_integer(values, "CODE24_RAW_COMPACT_FILES", 16, 2, 100_000),
        warehouse_memory=_memory(values, "CODE24_WAREHOUSE_MEMORY", "4GB"),
        retention_days=_integer(values, "CODE24_RETENTION_DAYS", 0, 0, 36_500),
        collector_min_free_mb=_integer(
            values, "CODE24_COLLECTOR_MIN_FREE_MB", 512, 0, 1_000_000
        ),
        trusted_proxies=_networks(values, "CODE24_TRUSTED_PROXIES"),
        collector_url=_address(values, "CODE24_COLLECTOR_URL"),
    )


def _read_dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}


def _path(values: Mapping[str, str], name: str, default: Path) -> Path:
    text = values.get(name, "")
    return Path(text).expanduser().resolve() if text else default


def _networks(
    values: Mapping[str, str], name: str
) -> tuple[IPv4Network | IPv6Network, ...]:
    texts = [text.strip() for text in values.get(name, "").split(",") if text.strip()]
    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as error:
        raise SettingError(
            f"{name}={values[name]!r}: must be addresses or networks (10.0.0.0/8), "
            f"with commas between: {error}"
        ) from error


def _address(values: Mapping[str, str], name: str) -> str:
    text = values.get(name, "")
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.netloc):
        raise SettingError(f"{name}={text!r}: must begin with https:// and a host")
    return text.rstrip("/")


def _port(values: Mapping[str, str], name: str, default: int) -> int:
    return _integer(values, name, default, 1, 65_535)


def _memory(values: Mapping[str, str], name: str, default: str) -> str:
    text = values.get(name, "") or default
    if not re.fullmatch(r"[1-9]\d*(MB|GB)", text):
        raise SettingError(f"{name}={text!r}: must be as in 4GB or 900MB")
    return text


def _integer(
    values: Mapping[str, str], name: str, default: int, low: int, high: int
) -> int:
    text = values.get(name, "")
    if not text:
        return default
    if not text.isdigit() or not low <= int(text) <= high:
        raise SettingError(f"{name}={text!r}: must be a number from {low} to {high}")
    return int(text)
