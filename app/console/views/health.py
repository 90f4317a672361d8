"""What is served, what runs, and how fresh the figures are."""

import math

import streamlit as st

from app.console import page, processes, serving, wording
from app.console.reading import Reports
from code24.contracts.release import Manifest
from code24.settings import load


def render() -> None:
    """Show the page."""
    st.title("Health")
    served = serving.served(load())
    _release(served)
    st.subheader("Which processes run")
    st.fragment(run_every=5)(_processes)()
    found = page.reports()
    _reports(found, served)
    _learned(found)


def _release(served: serving.Served) -> None:
    st.subheader("What is served")
    if served.is_empty:
        st.info("No release yet. Run `make run`: it publishes the first one.")
        return
    if served.current is None:
        _say_damaged(served)
        return
    current = served.current
    name, created, sites, off = st.columns(4)
    name.metric(
        "Release", current.release_id.partition("-")[0], help=current.release_id
    )
    created.metric("Made", wording.moment(wording.utc(current.created_at)))
    sites.metric("Sites", wording.count(len(current.sites)))
    switched = (*served.switches.sites_off, *served.switches.tests_off)
    off.metric("Switched off", wording.count(len(switched)))
    if switched:
        st.warning(f"Switched off by hand: {wording.plain(', '.join(switched))}.")
    _verify(current)
    _releases(served.releases, current)


def _say_damaged(served: serving.Served) -> None:
    good = served.releases[0].release_id if served.releases else None
    last = f"Clients are served {good}, the last good one. " if good else ""
    st.error(
        f"**The release that should be served cannot be trusted.** {last}"
        f"{wording.plain(served.problem or '')}.",
        icon=":material/gpp_bad:",
    )


def _verify(current: Manifest) -> None:
    problems = serving.verified(load(), current.release_id)
    if problems:
        st.error(
            f"**The release is damaged.** {wording.plain('; '.join(problems))}. "
            "Clients are served the last good one."
        )
    else:
        st.caption("Its signature and the checksum of every shard are right.")


def _releases(releases: tuple[Manifest, ...], current: Manifest) -> None:
    with st.expander(f"Releases kept: {len(releases)}", icon=":material/history:"):
        st.dataframe(
            [
                {
                    "Release": manifest.release_id,
                    "Made": wording.moment(wording.utc(manifest.created_at)),
                    "Sites": len(manifest.sites),
                    "Served": "now" if manifest == current else "",
                }
                for manifest in releases
            ],
            hide_index=True,
        )
        st.caption("To serve an earlier one again:")
        st.code("code24 release rollback RELEASE --yes", language="bash")


def _processes() -> None:
    st.dataframe(
        [
            {
                "Process": process.name,
                "State": ["Well" if process.is_well else "Not well"],
                "Says": process.says,
                "Address": process.address,
            }
            for process in processes.processes(load())
        ],
        column_config={"State": page.chips("State")},
        hide_index=True,
    )


def _reports(found: Reports, served: serving.Served) -> None:
    st.subheader("How fresh the figures are")
    summary = found.summary.row(0, named=True) if found.summary.height else {}
    newest, events, dead, tests = st.columns(4)
    newest.metric("Newest event", wording.moment(summary.get("as_of_event_at")))
    events.metric("Events", wording.count(summary.get("events")))
    dead.metric(
        "Dead letters",
        wording.count(summary.get("dead_letters")),
        help="Events that were refused, each kept with its reason.",
    )
    tests.metric("Tests", wording.count(summary.get("tests")))
    st.caption(
        f"Reports {found.version}, published {wording.moment(found.published_at)}, of "
        f"release {summary.get('release_id') or wording.UNKNOWN}."
    )
    newer = serving.newer_release(served, summary.get("release_id"))
    if newer is not None:
        st.warning(
            "The release that is served is not the one these reports tell of: it was "
            f"made on {wording.moment(wording.utc(newer))}. `make run` brings both "
            "together."
        )


def _learned(found: Reports) -> None:
    st.subheader("What finished tests have taught")
    if found.prior.is_empty():
        st.info("No prior has been learned yet.")
        return
    prior = found.prior.row(0, named=True)
    tests, mean, sd = st.columns(3)
    tests.metric("Finished tests used", wording.count(prior["prior_tests"]))
    mean.metric("Usual change", wording.lift(_change(prior["prior_mean"])))
    sd.metric(
        "Spread of changes",
        wording.share(_change(prior["prior_sd"])),
        help="One standard deviation of true effects, as the tests so far tell it.",
    )


def _change(log_ratio: float | None) -> float | None:
    """Return a log ratio as the relative change that it means."""
    return None if log_ratio is None else math.expm1(log_ratio)


render()
