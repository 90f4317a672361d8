"""Publishing what an operator has just changed."""

from code24.contracts.release import Manifest
from code24.errors import Code24Error
from code24.publishing import publish
from code24.settings import Settings


def publish_now(settings: Settings, what: str) -> str:
    """Publish a change, and return the line that says whether it stands.

    Where it fails, the job that the change itself asked for does it later.

    Args:
        settings: The home.
        what: What was changed; the release's manifest keeps it.
    """
    try:
        new = publish(settings, {"by": "operator", "for": what})
    except Code24Error as error:
        return f"Changed, but not published yet: {error}"
    return "Nothing that is served has changed." if new is None else _said(new)


def _said(new: Manifest) -> str:
    return f"Published as release {new.release_id}."
