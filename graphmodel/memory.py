"""Compiled code that reads and writes bytes by their addresses.

Arrays handed from one compiled function to the next are counted each time, atomically: where a function looks at a few bytes, that costs
several times what it does. Addresses are plain numbers. The caller keeps the arrays, and nothing here looks whether an address is within one.
"""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

_BYTE, _NUMBER = ir.IntType(8), ir.IntType(64)


def jit(function: Any) -> Any:
    """Compiled when first called, kept on disk."""
    return numba.njit(cache=True, nogil=True)(function)


def address(array: Any) -> int:
    """Where an array without gaps begins."""
    if not array.flags.c_contiguous:
        raise ValueError("the array has gaps")
    return int(array.ctypes.data)


def _place(builder: Any, base: Any, at: Any, type_: Any, width: int) -> Any:
    at = builder.mul(at, ir.Constant(_NUMBER, width)) if width > 1 else at
    return builder.inttoptr(builder.add(base, at), type_.as_pointer())


def _reader(type_: Any, width: int, found: Any) -> Any:
    def read(context: Any, base: Any, at: Any) -> Any:
        def code(_: Any, builder: Any, __: Any, given: Any) -> Any:
            value = builder.load(_place(builder, given[0], given[1], type_, width), align=1)
            return value if type_ is _NUMBER else builder.zext(value, _NUMBER)

        return found(types.int64, types.int64), code

    return intrinsic(read)


def _writer(type_: Any, width: int) -> Any:
    def write(context: Any, base: Any, at: Any, value: Any) -> Any:
        def code(context: Any, builder: Any, _: Any, given: Any) -> Any:
            base, at, value = given
            builder.store(value if type_ is _NUMBER else builder.trunc(value, type_), _place(builder, base, at, type_, width), align=1)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, types.int64), code

    return intrinsic(write)


byte = _reader(_BYTE, 1, types.int64)
"""`byte(base, i)`: the byte i after an address."""
word = _reader(_NUMBER, 1, types.uint64)
"""`word(base, i)`: the eight bytes from byte i on, as one number."""
number = _reader(_NUMBER, 8, types.int64)
"""`number(base, i)`: the i-th of numbers of 64 bits."""
put_byte = _writer(_BYTE, 1)
"""`put_byte(base, i, value)`."""
put_number = _writer(_NUMBER, 8)
"""`put_number(base, i, value)`."""
