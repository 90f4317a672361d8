"""One file a page; Streamlit runs each of them as a script."""
