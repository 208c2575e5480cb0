"""The app: `hakyu app`, or `streamlit run streamlit_app.py`. Chooses the case and the question; the pages are in screens/."""

from pathlib import Path

import streamlit as st

from screens import show, state
from screens.state import say

# The icon is a file of our own: a browser would fetch a named one from another host.
st.set_page_config(page_title="hakyu", page_icon=str(Path(__file__).parent / "screens/static/icon.svg"), layout="wide")
show.style()
state.sidebar()
pages = [
    st.Page("screens/blast.py", title=say("Blast radius"), icon=":material/flare:", url_path="blast", default=True),
    st.Page("screens/correspondents.py", title=say("Correspondents"), icon=":material/group:", url_path="correspondents"),
    st.Page("screens/contain.py", title=say("Contain"), icon=":material/shield:", url_path="contain"),
    st.Page("screens/rank.py", title=say("Ranking"), icon=":material/leaderboard:", url_path="ranking"),
    st.Page("screens/coverage.py", title=say("Sources"), icon=":material/fact_check:", url_path="sources"),
    st.Page("screens/questions.py", title=say("Questions"), icon=":material/search:", url_path="questions"),
]
st.navigation(pages, position="top").run()
