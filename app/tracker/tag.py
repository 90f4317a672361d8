"""The tag that a site's pages carry."""

from html import escape

from code24.contracts.site import Site


def tag(site: Site, collector_url: str) -> str:
    """Return the script element for a site.

    Args:
        site: The site; its write key is public.
        collector_url: Where browsers reach the collector, without a slash at the end.
    """
    source = escape(f"{collector_url}/code24.js")
    return (
        f'<script defer src="{source}" data-site="{escape(site.site_id)}" '
        f'data-key="{escape(site.write_key)}"></script>'
    )
