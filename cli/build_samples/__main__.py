"""Make the samples from the reference data, or in another FOLDER given."""

import sys
from pathlib import Path

from cli.build_samples import complete_journey, snowplow, upworthy
from code24.settings import PROJECT_ROOT, load


def build(reference: Path, target: Path) -> None:
    """Write the three samples below ``target``; what stands there is replaced."""
    upworthy.build(
        reference / "experiments" / "upworthy_headline_tests.parquet",
        target / "upworthy",
    )
    snowplow.build(reference / "snowplow_web", target / "snowplow")
    complete_journey.build(reference / "shop", target / "complete-journey")


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PROJECT_ROOT / "data/sample"
    build(load().reference_data, folder)
