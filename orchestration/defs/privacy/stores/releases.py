"""Releases: an erased site's shards go, and every manifest that could serve them.

A shard holds tests and no visitors, so a visitor's erasure changes none.
"""

from code24.privacy.subject import Subject
from code24.releases import Publisher, Reader
from orchestration.defs.privacy.store import Counts, Home, Store


def find(home: Home, subject: Subject) -> Counts:
    """Count the releases that hold the site."""
    if not subject.is_site:
        return {"releases": 0}
    releases, keys = home.settings.releases, home.settings.keys
    if not releases.exists():
        return {"releases": 0}
    found = Reader(releases, keys / "verify.pub").releases()
    return {"releases": sum(subject.site_id in one.sites for one in found)}


def erase(home: Home, subject: Subject) -> Counts:
    """Remove them; the release that was published without the site stays."""
    if not subject.is_site:
        return {"releases": 0}
    publisher = Publisher(home.settings.releases, home.settings.keys)
    return {"releases": publisher.forget_site(subject.site_id)}


STORE = Store(
    "releases", 85, "releases that hold the site", find, erase, after_rebuild=True
)
