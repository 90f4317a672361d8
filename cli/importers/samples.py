"""The sample data: which folders there are, and taking them all in."""

from pathlib import Path

from cli.importers.transfer import (
    SITE_FILE,
    ImportSummary,
    Progress,
    read_site,
    run_import,
)
from code24.contracts.site import Site
from code24.settings import PROJECT_ROOT, Settings

SAMPLES = PROJECT_ROOT / "data" / "sample"


def import_samples(
    settings: Settings, progress: Progress | None = None
) -> list[ImportSummary]:
    """Take in every sample; those that are in already add nothing."""
    return [
        run_import(settings, folder, progress=progress) for folder in sample_folders()
    ]


def sample_folders() -> list[Path]:
    """Return the folder of each sample, by name."""
    return sorted(file.parent for file in SAMPLES.glob(f"*/{SITE_FILE}"))


def is_own_site(site: Site) -> bool:
    """Say whether the site is an operator's, and none of the samples'."""
    folders = sample_folders()
    return site.site_id not in {read_site(f / SITE_FILE).site_id for f in folders}
