"""What was erased, by whose word, with its receipt; how long events are kept."""

from collections.abc import Sequence

import streamlit as st

from app.console import wording
from app.console.control import Control, ControlError
from code24.settings import load
from code24.state.erasures import Erasure
from code24.state.retention import KeptDays

STATUS = {"running": "Not finished", "complete": "Done"}
FOUND = "found"


def render() -> None:
    """Show the page."""
    st.title("Privacy")
    control = Control(load())
    try:
        erasures, kept = control.erasures(), control.retention()
    except ControlError as error:
        st.error(wording.plain(str(error)), icon=":material/error:")
        return
    _erasures(erasures)
    _retention(kept)


def _erasures(erasures: Sequence[Erasure]) -> None:
    st.subheader("Erasures")
    st.caption("Receipts never hold an id, only keyed hashes. To look, and to erase:")
    st.code(
        "code24 erase --visitor PERSON --site SITE --dry-run\n"
        "code24 erase --visitor PERSON --site SITE --yes",
        language="bash",
    )
    if not erasures:
        st.info("Nothing was erased yet.")
        return
    broken = [one for one in erasures if one.status == "running"]
    if broken:
        st.warning(
            f"{wording.count(len(broken))} not finished: running now, or broken off. "
            "The same command again goes on."
        )
    st.dataframe([_row(one) for one in erasures], hide_index=True)
    for one in erasures[:10]:
        _receipt(one)


def _row(one: Erasure) -> dict[str, object]:
    return {
        "Erasure": one.erasure_id,
        "Site": one.site_id,
        "Of": one.kind.capitalize(),
        "Asked": one.requested_at,
        "By": one.requested_by,
        "Status": STATUS[one.status],
        "Finished": one.finished_at,
    }


def _receipt(one: Erasure) -> None:
    title = f"Receipt {one.erasure_id}, {wording.moment(one.requested_at)}"
    with st.expander(title, icon=":material/receipt_long:"):
        found = one.steps.get(FOUND, {})
        st.dataframe(
            [
                {
                    "Store": store,
                    "Found": _counts(found.get(store, {})),
                    "Done last": _counts(counts),
                }
                for store, counts in one.steps.items()
                if store != FOUND
            ],
            hide_index=True,
        )


def _counts(counts: dict[str, int]) -> str:
    told = (f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())
    return ", ".join(told)


def _retention(kept: Sequence[KeptDays]) -> None:
    st.subheader("How long events are kept")
    st.caption("Older ones go every night. To keep one site's for another time:")
    st.code("code24 retention set SITE --days 395", language="bash")
    st.dataframe(
        [
            {
                "Site": one.site_id,
                "Kept": f"{one.days:,} days" if one.days else "Until erased",
                "From": "Its own" if one.is_own else "CODE24_RETENTION_DAYS",
            }
            for one in kept
        ],
        hide_index=True,
    )


render()
