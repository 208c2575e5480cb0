"""Steps as one file: a line that says what is in it, then the arrays as they lie in memory, which a reader maps instead of copying.

The line is a checksum of all that follows it, and JSON: the version, the numbers, each array's name, type, shape and place.
"""

from __future__ import annotations

import json
import mmap
import os
import uuid
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from reach.graph import ARRAYS, NUMBERS, Steps

_VERSION = "hakyu steps 1"
_LINE = 4096
"""Bytes of the first line, filled up with blanks: the arrays begin at a page."""
_SUM = 9
"""Bytes of the checksum in it, with the blank after it."""
_ALIGNED = 64


class DamagedFileError(ValueError):
    """The file is not what `save` of this version wrote."""


def save(steps: Steps, path: Path) -> None:
    """Write the file, whole or not at all: beside `path` first, then renamed over it. Raises OSError."""
    arrays = steps.arrays()
    about: dict[str, Any] = {"version": _VERSION, "numbers": {name: getattr(steps, name) for name in NUMBERS}, "arrays": {}}
    at = _LINE
    for name, array in arrays.items():
        about["arrays"][name] = [array.dtype.str, array.shape, at]
        at += -(-array.nbytes // _ALIGNED) * _ALIGNED
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with beside.open("xb") as file:
            file.seek(_SUM)
            file.write(line := b"%s\n" % json.dumps(about).encode().rjust(_LINE - 1 - _SUM))
            checksum = zlib.crc32(line)
            for array in arrays.values():
                for data in (np.ascontiguousarray(array).view(np.uint8).reshape(-1).data, bytes(-array.nbytes % _ALIGNED)):
                    file.write(data)
                    checksum = zlib.crc32(data, checksum)
            file.seek(0)
            file.write(b"%08x " % checksum)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def load(path: Path) -> Steps:
    """The steps of a file of `save`; the arrays are the file's own pages, private to this process where written to.

    Raises DamagedFileError for a file that is cut off, altered or of another version; OSError where there is none.
    """
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size < _LINE:
            raise _damaged(path)
        # Private pages rather than read-only ones: the kernel is compiled for arrays that can be written to.
        pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    try:
        if pages[:_SUM] != b"%08x " % zlib.crc32(memoryview(pages)[_SUM:]):
            raise _damaged(path)
        about = json.loads(pages[_SUM:_LINE])
        if about["version"] != _VERSION or set(about["arrays"]) != set(ARRAYS):
            raise _damaged(path)
        arrays = {name: _array(pages, *place) for name, place in about["arrays"].items()}
        numbers: dict[str, Any] = {name: int(about["numbers"][name]) for name in NUMBERS}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path) from error
    return Steps(**numbers, **arrays)


def _array(pages: mmap.mmap, kind: str, shape: list[int], at: int) -> Any:
    return np.frombuffer(pages, np.dtype(kind), int(np.prod(shape)), at).reshape(shape)


def _damaged(path: Path) -> DamagedFileError:
    return DamagedFileError(f"{path}: not a whole file of steps of this version; delete it, it is made anew from the graph")
