"""Where an audience lies."""

from dataclasses import dataclass
from pathlib import Path

from code24.releases.durable import TEMPORARY

SALT = "audience.salt"
"""In the folder of keys: what ids are hashed with, readable by its owner alone."""


@dataclass(frozen=True, slots=True)
class AudienceLayout:
    """The files of one site's audience below the release folder."""

    releases: Path
    site_id: str

    @property
    def folder(self) -> Path:
        """Return the folder of all audiences."""
        return self.releases / "audience"

    @property
    def head(self) -> Path:
        """Return the signed head."""
        return self.folder / f"{self.site_id}.json"

    @property
    def draft(self) -> Path:
        """Return the file that is being written."""
        return self.folder / f"{TEMPORARY}{self.site_id}.sqlite"

    def file(self, digest: str) -> Path:
        """Return the file with this SHA-256."""
        return self.folder / f"{self.site_id}-{digest}.sqlite"

    def files(self) -> list[Path]:
        """Return all files of the site that are whole, replaced ones too."""
        length = len(self.file("0" * 64).name)
        found = self.folder.glob(f"{self.site_id}-*.sqlite")
        return sorted(path for path in found if len(path.name) == length)
