"""The tag of a site's pages, where the command line shows the site."""

from rich.markup import escape

from app.tracker.tag import tag
from cli.output import console
from code24.contracts.site import Site
from code24.settings import load


def show_tag(site: Site) -> None:
    """Print the tag to paste into the head of the site's pages."""
    console.print("\nInto the head of its pages (docs/tracker.md):")
    text = tag(site, load().collector_address)
    console.print(f"  {escape(text)}", soft_wrap=True)
