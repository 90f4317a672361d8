"""Entity tags: whether a client has what it asks for (RFC 9110, 13.1.2)."""


def is_known(given: str, etag: str) -> bool:
    """Say whether ``If-None-Match`` names this tag, compared weakly."""
    tags = {tag.strip().removeprefix("W/") for tag in given.split(",")}
    return not tags.isdisjoint({etag.removeprefix("W/"), "*"})
