"""Who exchanged mail with whom, counted in distinct messages; HOLDS from delivery logs."""

from __future__ import annotations

import pytest

from tests.support.loads import edges, view_of

DAY = 86400
HANA, KEN = "hana@x.example", "ken@x.example"
BOX = ("Mailbox", f"mailbox:{HANA}")


def message(out, name, sender, *recipients, sent=None, delivered=None, content=None):
    out.node("Message", f"msg:{name}", "row 1", sent=sent, content=content)
    out.edge("SENT_BY", ("Message", f"msg:{name}"), ("Correspondent", f"smtp:{sender}"), "row 1", role="from")
    for recipient in recipients:
        out.edge("ADDRESSED_TO", ("Message", f"msg:{name}"), ("Correspondent", f"smtp:{recipient}"), "row 1", role="to", delivered=delivered)


def own(out, *addresses):
    for address in addresses:
        out.edge("HAS_ADDRESS", BOX, ("Correspondent", f"smtp:{address}"), "row 1", type="primary")


def lies(out, name, **properties):
    out.edge("HOLDS", BOX, ("Message", f"msg:{name}"), "row 1", basis="file", **properties)


def exchanged(found, *columns):
    return {row[0].removeprefix("smtp:"): row[1:] for row in edges(found, "CORRESPONDED", "to_key", *columns)}


def test_sent_and_received_are_counted_for_each_address_and_never_for_ones_own(tmp_path):
    def say(out):
        own(out, HANA, "h@x.example")
        message(out, "1", HANA, KEN, "lee@y.example", sent=1 * DAY)
        message(out, "2", KEN, "h@x.example", "lee@y.example", sent=3 * DAY)
        message(out, "3", "h@x.example", HANA, KEN, sent=2 * DAY)
        for name in "123":
            lies(out, name)

    found = exchanged(view_of(tmp_path, a=say), "sent", "received", "first", "last")
    assert found == {KEN: (2, 1, DAY, 3 * DAY), "lee@y.example": (1, 1, DAY, 3 * DAY)}


def test_copies_of_a_message_with_new_ids_count_once(tmp_path):
    def say(out):
        own(out, HANA)
        for name in ("1", "2"):
            message(out, name, KEN, HANA, sent=DAY, content="same")
            lies(out, name)
        message(out, "3", KEN, HANA, sent=DAY, content="other")
        lies(out, "3")

    assert exchanged(view_of(tmp_path, a=say), "sent", "received", "counts") == {KEN: (0, 2, [2])}


def test_a_message_in_two_folders_or_two_sources_counts_once(tmp_path):
    def first(out):
        own(out, HANA)
        message(out, "1", KEN, HANA, sent=DAY)
        lies(out, "1", folder="Inbox")

    def second(out):
        message(out, "1", KEN, HANA, sent=DAY)
        lies(out, "1", folder="Archive")

    assert exchanged(view_of(tmp_path, a=first, b=second), "sent", "received") == {KEN: (0, 1)}


def test_the_histogram_is_sparse_and_adds_up(tmp_path):
    def say(out):
        own(out, HANA)
        for number, at in enumerate((10 * DAY, 10 * DAY + 5, 12 * DAY - 1, 40 * DAY)):
            message(out, str(number), KEN, HANA, sent=at)
            lies(out, str(number))

    (found,) = exchanged(view_of(tmp_path, a=say), "received", "days", "counts").values()
    assert found == (4, [10, 11, 40], [2, 1, 1])


def test_a_message_without_a_time_is_counted_but_on_no_day(tmp_path):
    def say(out):
        own(out, HANA)
        message(out, "1", KEN, HANA)
        message(out, "2", KEN, HANA, sent=DAY)
        lies(out, "1")
        lies(out, "2")

    found = exchanged(view_of(tmp_path, a=say), "received", "first", "valid_from", "days", "counts")
    assert found == {KEN: (2, DAY, None, [1], [1])}


def test_what_was_purged_is_gone_and_what_stays_keeps_the_exchange_open(tmp_path):
    def say(out):
        own(out, HANA)
        for name, sender in (("1", KEN), ("2", KEN), ("3", "lee@y.example"), ("4", "lee@y.example")):
            message(out, name, sender, HANA, sent=DAY)
        lies(out, "1", purged=5 * DAY)
        lies(out, "2", purged=7 * DAY)
        lies(out, "3", purged=5 * DAY)
        lies(out, "4")

    assert exchanged(view_of(tmp_path, a=say), "gone", "valid_until") == {KEN: (7 * DAY, 7 * DAY), "lee@y.example": (None, None)}


def test_delivery_counts_before_the_date_that_the_sender_wrote(tmp_path):
    def say(out):
        own(out, HANA)
        message(out, "1", KEN, HANA, sent=9 * DAY)
        lies(out, "1", delivered=DAY)

    assert exchanged(view_of(tmp_path, a=say), "first", "days") == {KEN: (DAY, [1])}


def test_a_trace_puts_messages_into_the_senders_and_each_recipients_mailbox(tmp_path):
    def say(out):
        own(out, HANA)
        out.edge("HAS_ADDRESS", ("Mailbox", "mailbox:k"), ("Correspondent", f"smtp:{KEN}"), "row 1", type="primary")
        message(out, "1", HANA, KEN, "lee@y.example", delivered=5 * DAY)
        message(out, "2", "lee@y.example", KEN, sent=DAY)

    found = view_of(tmp_path, a=say)
    assert edges(found, "HOLDS", "from_key", "to_key", "delivered", "basis") == [
        (BOX[1], "msg:1", 5 * DAY, "trace"), ("mailbox:k", "msg:1", 5 * DAY, "trace")
    ]  # fmt: skip
    assert edges(found, "CORRESPONDED", "from_key", "to_key", "sent", "received") == [
        (BOX[1], f"smtp:{KEN}", 1, 0), (BOX[1], "smtp:lee@y.example", 1, 0),
        ("mailbox:k", f"smtp:{HANA}", 0, 1), ("mailbox:k", "smtp:lee@y.example", 0, 1),
    ]  # fmt: skip


def test_what_a_mail_file_shows_is_not_said_again_by_a_trace(tmp_path):
    def trace(out):
        message(out, "1", KEN, HANA, delivered=5 * DAY)

    def file(out):
        own(out, HANA)
        message(out, "1", KEN, HANA, sent=4 * DAY)
        lies(out, "1", folder="Inbox", delivered=4 * DAY)

    assert edges(view_of(tmp_path, a=trace, b=file), "HOLDS", "delivered", "basis", "folder") == [(4 * DAY, "file", "Inbox")]


@pytest.mark.parametrize("known", [True, False])
def test_messages_are_held_only_where_a_mailbox_has_the_address(tmp_path, known):
    def say(out):
        if known:
            own(out, HANA)
        message(out, "1", KEN, HANA, delivered=DAY)

    assert bool(edges(view_of(tmp_path, a=say), "HOLDS")) is known
