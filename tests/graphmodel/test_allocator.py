"""What a graph took is given back to the system when its file is made."""

from __future__ import annotations

import subprocess
import sys

import pytest

_MAKE_TWO = """
import sys, tempfile
from pathlib import Path
from graphmodel.store.embedded_store import EmbeddedStore
from queries.catalogue import steps
from tests.support.random_graph import random_graph
for seed in (1, 2):
    store = EmbeddedStore(Path(tempfile.mkdtemp(dir=sys.argv[1])))
    store.sync(random_graph(seed), [step.derivation for step in steps()])
    store.close()
print(int(Path("/proc/self/statm").read_text().split()[1]) * 4 // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only there the C library is asked")
def test_a_process_that_made_graphs_does_not_keep_the_memory_that_they_took(tmp_path):
    done = subprocess.run([sys.executable, "-c", _MAKE_TWO, str(tmp_path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1536, "MiB: without giving back it is some 2,400, at most 800 of it in use"
