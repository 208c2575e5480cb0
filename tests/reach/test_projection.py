from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from reach.graph import ARRAYS, NUMBERS, build
from reach.projection import DamagedFileError, load, save
from reach.search import reach
from tests.reach.test_graph import rows
from tests.reach.test_search import random_puzzle, steps_of

COMPILES = """
from reach.graph import build
from reach.search import compiling, reach
for _ in range(2):
    with compiling(lambda: print("compiling")):
        reach(build(2, [0], [1], [0], [5], [True]), [(0, 0, None)])
"""


@pytest.mark.parametrize("seed", range(20))
def test_what_was_saved_is_loaded_and_searched_alike(seed, tmp_path):
    puzzle = random_puzzle(random.Random(seed))
    steps = steps_of(puzzle)
    save(steps, tmp_path / "steps")
    loaded = load(tmp_path / "steps")
    for name in NUMBERS:
        assert getattr(loaded, name) == getattr(steps, name)
    for name in ARRAYS:
        assert getattr(loaded, name).dtype == getattr(steps, name).dtype
        assert np.array_equal(getattr(loaded, name), getattr(steps, name))
    assert rows(reach(loaded, puzzle.starts)) == rows(reach(steps, puzzle.starts))
    assert [found.name for found in tmp_path.iterdir()] == ["steps"]


def saved(folder: Path) -> tuple[Path, bytes]:
    save(build(3, [0, 1], [1, 2], [5, 6], [7, 8], [True, False], [(1, 6)]), folder / "steps")
    return folder / "steps", (folder / "steps").read_bytes()


def test_a_file_with_any_part_altered_is_refused(tmp_path):
    path, whole = saved(tmp_path)
    text = len(whole[:4096].rstrip())
    for at in [*range(text), *range(4096, len(whole))]:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        try:
            loaded = load(path)
        except DamagedFileError as error:
            assert str(path) in str(error)
        else:
            pytest.fail(f"byte {at} altered: {loaded}")


@pytest.mark.parametrize("kept", [0, 1, 100, 4095, 4096, 4160, -1])
def test_a_file_cut_off_is_refused(kept, tmp_path):
    path, whole = saved(tmp_path)
    path.write_bytes(whole[:kept])
    with pytest.raises(DamagedFileError, match="not a whole file"):
        load(path)


def test_a_file_that_something_was_added_to_is_refused(tmp_path):
    path, whole = saved(tmp_path)
    path.write_bytes(whole + b"\0" * 64)
    with pytest.raises(DamagedFileError):
        load(path)


def test_saving_that_fails_leaves_the_file_there_was_and_nothing_beside_it(tmp_path):
    path, whole = saved(tmp_path)
    broken = build(1, [], [], [], [], [])
    object.__setattr__(broken, "number", np.array([object()]))
    with pytest.raises((TypeError, ValueError)):
        save(broken, path)
    assert path.read_bytes() == whole
    assert [found.name for found in tmp_path.iterdir()] == ["steps"]


def test_an_open_projection_outlives_the_file_that_replaces_it(tmp_path):
    path, _ = saved(tmp_path)
    before = load(path)
    save(build(1, [], [], [], [], []), path)
    assert before.target.tolist() == [1, 2]
    assert load(path).n == 1


@pytest.mark.long
def test_the_first_start_says_that_it_compiles_and_the_next_does_not(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}

    def started() -> str:
        return subprocess.run([sys.executable, "-c", COMPILES], env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True).stdout

    assert started() == "compiling\n"
    assert started() == ""
