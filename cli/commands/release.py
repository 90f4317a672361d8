"""``code24 release``: what is served, what was, and the way back."""

from typing import Annotated

import typer

from cli.output import console, show_fields, show_json, show_table
from code24.errors import Code24Error
from code24.releases import Publisher, Reader, diff
from code24.settings import load

app = typer.Typer(
    help="What is served, what was, and the way back.",
    no_args_is_help=True,
    epilog="Example: code24 release list",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ReleaseId = Annotated[
    str | None, typer.Argument(help="A release id; the current one where absent.")
]


@app.command(name="list", epilog="Example: code24 release list --json")
def list_(as_json: AsJson = False) -> None:
    """List the releases that are kept, the newest first."""
    reader = _reader()
    current = reader.current().release_id
    rows = reader.releases()
    if as_json:
        show_json({"current": current, "releases": rows})
        return
    show_table(
        ("release", "created", "sites", "served"),
        [
            (
                manifest.release_id,
                f"{manifest.created_at:%Y-%m-%d %H:%M:%S}",
                len(manifest.sites),
                "now" if manifest.release_id == current else "",
            )
            for manifest in rows
        ],
        empty="No release yet: code24 run",
    )


@app.command(name="show", epilog="Example: code24 release show")
def show(release_id: ReleaseId = None, as_json: AsJson = False) -> None:
    """Show one release: its sites and the shard of each."""
    reader = _reader()
    manifest = reader.manifest(release_id) if release_id else reader.current()
    if as_json:
        show_json(manifest)
        return
    show_fields(
        {
            "release": manifest.release_id,
            "created": f"{manifest.created_at:%Y-%m-%d %H:%M:%S} UTC",
            "previous": manifest.previous,
        }
    )
    show_table(
        ("site", "host", "client key", "shard"),
        [
            (site_id, entry.host, entry.client_key, entry.shard[:12])
            for site_id, entry in manifest.sites.items()
        ],
        empty="It holds no site.",
    )


@app.command(name="diff", epilog="Example: code24 release diff r000001-… r000002-…")
def diff_(old: str, new: ReleaseId = None, as_json: AsJson = False) -> None:
    """Say what changed between two releases: sites, tests, winners, weights."""
    reader = _reader()
    later = reader.manifest(new) if new else reader.current()
    changes = diff(reader, reader.manifest(old), later)
    if as_json:
        show_json(changes)
        return
    show_table(
        ("site", "test", "change"),
        [(c.site_id, c.test_id, c.change) for c in changes],
        empty=f"Nothing changed between {old} and {later.release_id}.",
    )


@app.command(name="rollback", epilog="Example: code24 release rollback r000001-… --yes")
def rollback(
    release_id: str,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without it, only say what would.")
    ] = False,
) -> None:
    """Serve an earlier release again; switches stay as they are."""
    settings = load()
    reader = _reader()
    target = reader.manifest(release_id)
    if not yes:
        changes = diff(reader, reader.current(), target)
        console.print(
            f"Would serve {target.release_id} of {target.created_at:%Y-%m-%d %H:%M} "
            f"again ({len(changes)} changes). Add --yes to do it."
        )
        return
    Publisher(settings.releases, settings.keys).rollback(release_id)
    console.print(f"{release_id} is served again.")


@app.command(name="verify", epilog="Example: code24 release verify")
def verify(release_id: ReleaseId = None) -> None:
    """Check the signature of a release and the checksum of its every shard."""
    reader = _reader()
    name = release_id or reader.current().release_id
    problems = reader.verify(name)
    if problems:
        raise Code24Error("; ".join(problems))
    console.print(f"{name}: signature and every shard are sound.")


def _reader() -> Reader:
    settings = load()
    return Reader(settings.releases, settings.keys / "verify.pub")
