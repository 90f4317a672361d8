"""``code24 replay``: dead letters through the door again."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.output import console, show_json, show_table
from cli.progress import replaying
from code24.errors import Code24Error
from code24.settings import load

EXAMPLE = (
    "Example: code24 replay --reason unknown_site   then: code24 replay "
    "--reason unknown_site --run"
)


def replay(
    reason: Annotated[
        str | None, typer.Option(help="Only this code: unknown_site, too_late, …")
    ] = None,
    site: Annotated[str | None, typer.Option(help="Only this site's.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Received from then on, such as 2026-11-24.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Received before then.")] = None,
    run: Annotated[
        bool, typer.Option("--run/--dry-run", help="Replay; only tell otherwise.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell of dead letters what would pass the door now; with --run, replay those.

    Each is replayed once at most. What does not pass stays a letter.
    """
    from cli.replay import Wanted, run_replay  # noqa: PLC0415 - only this needs it

    wanted = Wanted(reason, site, _moment("since", since), _moment("until", until))
    with replaying() as progress:
        done = run_replay(load(), wanted, is_dry_run=not run, progress=progress)
    if as_json:
        show_json(done)
        return
    show_table(
        (
            "reason",
            "site",
            "from",
            "letters",
            "pass",
            "refused",
            "unmapped",
            "before",
            "last",
            "",
        ),
        [
            (
                group.reason,
                group.site_id,
                group.source,
                group.letters,
                group.admitted,
                group.refused,
                group.unmapped,
                group.replayed_before,
                f"{group.last_at:%Y-%m-%d %H:%M}",
                group.example[:80],
            )
            for group in done.groups
        ],
        empty="There are no such dead letters.",
    )
    verb = "were replayed" if run else "would be replayed (--run replays them)"
    console.print(
        f"{done.admitted:,} {verb}, {done.refused:,} are refused still, "
        f"{done.unmapped:,} are no events and can only be sent or imported again, "
        f"{done.replayed_before:,} were replayed before."
    )


def _moment(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Code24Error(
            f"--{name} {text!r}: must be a date or time as in ISO 8601"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
