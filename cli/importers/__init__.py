"""What can be brought into Code24: one file a format, found by ``registry``."""

from cli.importers.registry import formats
from cli.importers.survey import survey
from cli.importers.transfer import ImportSummary, run_import

__all__ = ["ImportSummary", "formats", "run_import", "survey"]
