"""Every real sample in one job, and again: nothing of it breaks the job, and the second time nothing changes (formats.md 14.6)."""

from __future__ import annotations

import pytest

from tests.support.exports import SAMPLES, new_case

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no samples at {SAMPLES.name} beside the project")
UNREAD = ("enron_graph/", "ldap_search", "smb_mapping", "software", "Qualys", "openvas",
          "opengraph-edge", "opengraph-node", "14_contacts/", "README.md")  # fmt: skip
"""Formats that are not read yet, and schemas and notes that lie beside the samples."""


def test_every_sample_loads_or_is_named_and_loading_all_again_changes_nothing(tmp_path):
    case = new_case(tmp_path)
    first = case.load([SAMPLES])
    assert [line.name for line in first.files if line.status == "passed over" and not any(word in line.name for word in UNREAD)] == []
    assert [line.name.rpartition("/")[2] for line in first.files if line.status == "not loaded"] == ["quoted.mbox"]
    assert sum(line.status == "loaded" for line in first.files) > 100
    before = case.graph().dump()

    again = case.load([SAMPLES])

    assert {line.status for line in again.files} == {"known", "passed over", "not loaded"}
    assert again.state == first.state and (again.nodes, again.edges) == (first.nodes, first.edges)
    after = case.graph().dump()
    assert all(after[part].keys() == before[part].keys() for part in (0, 1))
    assert all(after[part][kind].equals(before[part][kind]) for part in (0, 1) for kind in before[part])
    case.close()
