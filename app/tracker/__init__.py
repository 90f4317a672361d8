"""The browser script: built from ``src`` at set-up, served by the collector."""
