"""Starts the console: ``python -m app.console``."""

import os
import sys
from pathlib import Path

from streamlit.web import bootstrap

from code24.errors import Code24Error
from code24.settings import HOST, TELEMETRY_OFF, Settings, load

MAIN = Path(__file__).parent / "main.py"
LIGHT = {
    "backgroundColor": "#ffffff",
    "secondaryBackgroundColor": "#f4f6f8",
    "textColor": "#1d2733",
    "primaryColor": "#2269a8",
    "borderColor": "#dde3e9",
}
DARK = {
    "backgroundColor": "#12171d",
    "secondaryBackgroundColor": "#1b222a",
    "textColor": "#e3e8ed",
    "primaryColor": "#4a9ade",
    "borderColor": "#2f3944",
}


def options(settings: Settings) -> dict[str, object]:
    """Return Streamlit's options: loopback only, nothing sent home, our looks."""
    looks = {
        "baseFontSize": 15,
        "baseRadius": "0.5rem",
        "headingFontWeights": [650, 600, 600],
        "headingFontSizes": ["1.75rem", "1.35rem", "1.1rem"],
        "metricValueFontSize": "1.6rem",
        "showWidgetBorder": True,
        "paddingTop": "2rem",
        "paddingBottom": "2rem",
    }
    return {
        "runner.magicEnabled": False,
        "server.address": HOST,
        "server.port": settings.ports.console,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.allowedHosts": [HOST, "localhost"],
        "browser.gatherUsageStats": False,
        "browser.serverAddress": HOST,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "type",
        **{f"theme.{name}": value for name, value in looks.items()},
        **{f"theme.light.{name}": value for name, value in LIGHT.items()},
        **{f"theme.dark.{name}": value for name, value in DARK.items()},
    }


def main() -> int:
    """Serve the console until told to stop; return the exit status."""
    try:
        flags = {
            name.replace(".", "_"): value for name, value in options(load()).items()
        }
    except Code24Error as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    os.environ.update(TELEMETRY_OFF)
    bootstrap.load_config_options(flags)
    bootstrap.run(str(MAIN), is_hello=False, args=[], flag_options=flags)
    return 0


if __name__ == "__main__":
    sys.exit(main())
