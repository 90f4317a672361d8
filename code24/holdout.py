"""The holdout: units of a site that are never shown a shipped variant.

What shipping brought is then seen as in any test: the held out are its control, all
others its variant. A unit is held out of everything or of nothing, by one hash.
"""

import msgspec

from code24.assignment import bucket_ranges, hash_unit
from code24.contracts.experiment import Experiment

HASH_VERSION = 2
KIND = "holdout"
"""``test_type`` of the tests that verify; they are watched, never decided about."""

NAME = rf"^(.+)--{KIND}-(\d+)$"
"""The id of such a test: the test it verifies, the share in hundredths of a percent."""


def seed(site_id: str) -> str:
    """Return the seed by which a site's units are held out."""
    return f"holdout:{site_id}"


def is_held_out(site_id: str, share: float, unit_id: str) -> bool:
    """Say whether a unit of the site is held out of what is shipped and tested."""
    place = hash_unit(seed(site_id), unit_id, HASH_VERSION)
    return place is not None and place < share


def taking_part(share: float) -> tuple[float, float]:
    """Return the range of those that are not held out, as ``bucket_ranges`` cuts it."""
    return bucket_ranges(2, 1.0, (share, 1.0 - share))[1]


def verification(test: Experiment, share: float) -> Experiment | None:
    """Return the test that goes on once ``test`` has shipped a variant; else none.

    Its name holds the share: units counted under another share are another test.
    """
    if share <= 0 or test.status != "complete" or test.winner_variant is None:
        return None
    control, *others = test.variants
    winner = next(v for v in test.variants if v.variant_id == test.winner_variant)
    if not others or winner is control:
        return None
    return msgspec.structs.replace(
        test,
        test_id=f"{test.test_id}--{KIND}-{round(share * 10_000)}",
        test_type=KIND,
        variants=(control, winner),
        traffic_split=(share, 1.0 - share),
        status="running",
        coverage=1.0,
        hash_version=HASH_VERSION,
        seed=seed(test.site_id),
        namespace=None,
        sticky_bucketing=None,
        planned_start_date=None,
        planned_end_date=None,
        start_date=test.end_date,
        end_date=None,
        winner_variant=None,
    )
