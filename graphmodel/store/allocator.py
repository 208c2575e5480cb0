"""Memory that the embedded engine has freed, given back to the system.

The C library keeps what a large graph took after the engine has freed it: 1.5 GB after a few graphs, in an app that runs for days. Asking it for
the rest costs milliseconds.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

_MUCH = 1 << 18
"""Pages of 4 KiB: a process that has less than 1 GiB is not asked."""


def give_back() -> None:
    """Where the C library can (glibc), and the process has much memory, return what is free."""
    if sys.platform == "linux" and int(Path("/proc/self/statm").read_text().split()[1]) > _MUCH:
        getattr(ctypes.CDLL(None), "malloc_trim", lambda _: 0)(0)
