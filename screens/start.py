"""What a page shows as long as no account is chosen: what to do, and what the case holds."""

from __future__ import annotations

import streamlit as st

from screens import show, state
from screens.state import Asked, say

_HELD = {"Account": "Accounts", "Mailbox": "Mailboxes", "Server": "Servers", "Group": "Groups", "Correspondent": "Correspondents"}


def start(question: Asked) -> None:
    """The first screen."""
    with show.explained():
        found = state.examined(question.folder, question.state)
        show.title(say("How far does a compromised mailbox reach?"))
        held = found["graph"].get("things", {})
        if not any(held.get(kind) for kind in _HELD):
            show.remark(say("This case holds nothing yet. Load exports first: {command}", command="hakyu load PATH…"))
            return
        show.numbered([
            say("Choose the compromised account on the left: type a part of its name, or paste an address."),
            say("Say when it was held. The form begins with the last year of mail that the sources saw."),
            say("Press “{button}”: here you get what it could reach, when, and by which way; “{page}” says who has to be told.",
                button=say("Show"), page=say("Correspondents")),
        ])  # fmt: skip
        st.subheader(say("What this case holds"), anchor=False)
        show.cards([(say(many), held.get(kind, 0), (), "") for kind, many in _HELD.items()])
        missing = [say(row["what"]) for row in found["coverage"] if row["status"] == "not collected"]
        if missing:
            show.remark(say("Not collected, so answers that lean on it may be too small: {what}", what=", ".join(missing)))
