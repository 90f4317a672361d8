"""The console's entry: its pages, its name and the freshness of what it shows."""

from pathlib import Path

import streamlit as st

from app.console import page

HERE = Path(__file__).parent
waiting = page.waiting()
PAGES = (
    st.Page(
        "views/portfolio.py", title="Sites", icon=":material/language:", default=True
    ),
    st.Page(page.TESTS_PAGE, title="Tests", icon=":material/science:"),
    st.Page("views/decisions.py", title="Decisions", icon=":material/gavel:"),
    st.Page(
        page.APPROVALS_PAGE,
        title=f"Approvals ({waiting})" if waiting else "Approvals",
        icon=":material/approval:",
    ),
    st.Page("views/jobs.py", title="Jobs", icon=":material/work_history:"),
    st.Page("views/privacy.py", title="Privacy", icon=":material/shield_person:"),
    st.Page("views/health.py", title="Health", icon=":material/monitor_heart:"),
    st.Page(page.SITE_PAGE, title="Site", visibility="hidden"),
    st.Page(page.TEST_PAGE, title="Test", visibility="hidden"),
)

st.set_page_config(page_title="Code24", page_icon=str(HERE / "icon.svg"), layout="wide")
st.logo(str(HERE / "logo.svg"), size="large")
chosen = st.navigation(list(PAGES), position="top")
st.fragment(run_every=5)(page.freshness)()
chosen.run()
