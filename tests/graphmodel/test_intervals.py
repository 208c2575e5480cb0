"""Events and snapshots of one right: which intervals follow, from whatever loads, in whatever order."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.support.loads import view_of

HANA, BOX = ("Account", "upn:hana@x.example"), ("Mailbox", "mailbox:box@x.example")


def edges(found, type_, *columns):
    return found.edges[type_].select(columns).rows()


def right(begin=None, end=None):
    return lambda out: out.edge("FULL_ACCESS", HANA, BOX, "row 1", valid_from=begin, valid_until=end)


def taken(time, *, lists=False, asks=True):
    def say(out):
        out.taken = time
        out.coverage("mailbox rights")
        if asks:
            out.node(*BOX, "row 1")
        if lists:
            right()(out)

    return say


@pytest.mark.parametrize(
    ("loads", "wanted"),
    [
        ([right(10), right(None, 20)], [(10, 20)]),
        ([right(10), right(10), right(None, 20), right(None, 20)], [(10, 20)]),
        ([right(10), right(12), right(None, 20)], [(10, 20)]),
        ([right(None, 20)], [(None, 20)]),
        ([right(10)], [(10, None)]),
        ([right(10), right(None, 20), right(30)], [(10, 20), (30, None)]),
        ([right(10), right(None, 20), right(20), right(None, 25)], [(10, 20), (20, 25)]),
        ([right(None, 5), right(10), right(None, 20)], [(None, 5), (10, 20)]),
        ([right(10), right(None, 20), right(None, 22)], [(10, 20)]),
        # whole intervals stand; half ones within them say nothing more
        ([right(1, 30), right(10), right(None, 30)], [(1, 30)]),
        # a snapshot without a time is later than the events
        ([right(10), right()], [(10, None)]),
        ([right(10), right(None, 20), right()], [(10, 20), (20, None)]),
        ([right(None, 20), right()], [(None, 20), (20, None)]),
        ([right()], [(None, None)]),
        # one that says when it was taken
        ([right(10), right(None, 20), taken(15, lists=True)], [(10, 20)]),
        ([right(10), right(None, 20), taken(25, lists=True)], [(10, 20), (20, None)]),
        ([right(10), taken(25)], [(10, 25)]),
        ([right(10), taken(25, asks=False)], [(10, None)]),
        ([right(10), taken(5)], [(10, None)]),
        ([right(10), taken(25), taken(40)], [(10, 25)]),
        ([right(10), taken(25, lists=True)], [(10, None)]),
    ],
)
def test_the_intervals_of_a_right_whatever_the_order_of_loads(tmp_path, loads, wanted):
    orders = list(permutations(range(len(loads)))) if len(loads) <= 3 else [tuple(range(len(loads))), tuple(reversed(range(len(loads))))]
    for number, order in enumerate(orders):
        found = view_of(tmp_path / str(number), **{f"f{place}": loads[i] for place, i in enumerate(order)})
        got = edges(found, "FULL_ACCESS", "valid_from", "valid_until")
        assert sorted(got, key=lambda pair: [-1 if x is None else x for x in pair]) == wanted, order


def test_rights_on_two_folders_are_two_rights(tmp_path):
    def say(out):
        out.edge("FOLDER_RIGHT", HANA, BOX, "row 1", folder="/Inbox", valid_from=10)
        out.edge("FOLDER_RIGHT", HANA, BOX, "row 2", folder="/Sent", valid_until=20)

    assert sorted(edges(view_of(tmp_path, a=say), "FOLDER_RIGHT", "folder", "valid_from", "valid_until"), key=str) == [
        ("/Inbox", 10, None), ("/Sent", None, 20)
    ]  # fmt: skip


def test_a_joined_interval_says_where_it_began_and_where_it_ended(tmp_path):
    found = view_of(tmp_path, a=right(10), b=right(None, 20))
    assert edges(found, "FULL_ACCESS", "source", "place") == [("byhand:a.csv", "row 1; ended: byhand:b.csv row 1")]
    assert all(len(fact) == 16 for (fact,) in edges(found, "FULL_ACCESS", "fact"))


def test_what_is_removed_ends_its_rights_and_what_begins_later_or_ended_before_stays(tmp_path):
    rule, to = ("Rule", "rule:box/x"), ("Correspondent", "smtp:eve@far.example")

    def say(out):
        out.edge("FORWARDS_TO", rule, to, "row 1")
        out.edge("PASSES_THROUGH", BOX, rule, "row 1", valid_from=10)
        out.edge("PASSES_THROUGH", ("Mailbox", "mailbox:later@x.example"), rule, "row 2", valid_from=60)
        out.edge("PASSES_THROUGH", ("Mailbox", "mailbox:anew@x.example"), rule, "row 4", valid_from=80)
        out.edge("PASSES_THROUGH", ("Mailbox", "mailbox:before@x.example"), rule, "row 3", valid_from=5, valid_until=20)

    def done(out):
        for what, at in (("remove", 50), ("remove", 70)):
            out.node("Remediation", f"remediation:{what}/x/{at}", "row 9", what=what, at=at)
            out.edge("REMEDIATES", ("Remediation", f"remediation:{what}/x/{at}"), rule, "row 9")

    found = view_of(tmp_path, a=say, b=done)
    assert edges(found, "FORWARDS_TO", "valid_from", "valid_until", "place") == [(None, 50, "row 1; removed: byhand:b.csv row 9")]
    assert set(edges(found, "PASSES_THROUGH", "valid_from", "valid_until")) == {(5, 20), (10, 50), (60, 70), (80, None)}
    assert all(len(fact) == 16 for (fact,) in edges(found, "PASSES_THROUGH", "fact"))


def test_what_is_rotated_ends_what_messages_say_of_it_but_not_who_keeps_it_or_what_it_opens(tmp_path):
    secret = ("Secret", "secret:1")

    def say(out):
        out.edge("CONTAINS_SECRET", ("Message", "msg:1"), secret, "row 1")
        out.edge("CONTAINS_SECRET", ("Message", "msg:1"), ("Secret", "secret:other"), "row 2")
        out.edge("KEEPS", HANA, secret, "row 3")
        out.edge("OPENS", secret, ("Server", "host:fs01"), "row 4")

    def done(out):
        out.node("Remediation", "remediation:rotate/1/50", "row 9", what="rotate", at=50)
        out.edge("REMEDIATES", ("Remediation", "remediation:rotate/1/50"), secret, "row 9")

    found = view_of(tmp_path, a=say, b=done)
    assert set(edges(found, "CONTAINS_SECRET", "to_key", "valid_until")) == {("secret:1", 50), ("secret:other", None)}
    assert edges(found, "KEEPS", "valid_until") == [(None,)] and edges(found, "OPENS", "valid_until") == [(None,)]


def test_a_reset_ends_no_right(tmp_path):
    def done(out):
        out.node("Remediation", "remediation:reset/hana/50", "row 9", what="reset", at=50)
        out.edge("REMEDIATES", ("Remediation", "remediation:reset/hana/50"), HANA, "row 9")

    assert edges(view_of(tmp_path, a=right(10), b=done), "FULL_ACCESS", "valid_from", "valid_until") == [(10, None)]


def test_the_same_permission_of_an_application_itself_and_in_the_name_of_users_are_two_rights(tmp_path):
    app, system = ("App", "app:x"), ("Service", "service:mail/x.example")

    def said(out):
        out.edge("APP_SCOPE", app, system, "row 1", scope="Mail.Read", valid_from=10)
        out.edge("APP_SCOPE", app, system, "row 2", scope="Mail.Read", delegated=True, valid_from=20)
        out.edge("APP_SCOPE", app, system, "row 3", scope="Mail.Read", delegated=True, valid_until=30)

    found = edges(view_of(tmp_path / "case", a=said), "APP_SCOPE", "delegated", "valid_from", "valid_until")
    assert sorted(found, key=str) == sorted([(None, 10, None), (True, 20, 30)], key=str)
