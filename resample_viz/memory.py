"""Memory that Python and PyTorch have freed, and that the C library still keeps."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any


def return_freed() -> None:
    """Returns freed memory to the system; for the end of longer work, as it takes milliseconds.

    On its own, glibc returns the end of its heap and no more: of a lab that draws or compares large
    pictures, up to 100 MB stay with the kernel. Does nothing with another C library.
    Source: https://man7.org/linux/man-pages/man3/malloc_trim.3.html
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> Any:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):  # not glibc; on Windows there is no CDLL(None)
        return None
