"""What is served: signed manifests, content-addressed shards, a pointer, switches.

``Publisher`` writes and needs the private key; ``Reader`` checks all it reads and
needs the public key alone. The layout of the folder is in ``docs/releases.md``.
"""

from code24.releases.errors import NoReleaseError, ReleaseError
from code24.releases.keys import ensure_keys
from code24.releases.listing import ReleaseChange, diff
from code24.releases.publisher import Publisher
from code24.releases.reader import Reader

__all__ = [
    "NoReleaseError",
    "Publisher",
    "Reader",
    "ReleaseChange",
    "ReleaseError",
    "diff",
    "ensure_keys",
]
