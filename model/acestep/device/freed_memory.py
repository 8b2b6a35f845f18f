"""Keeps freed memory in the process, so that the next activation does not fetch fresh pages from the system.

The networks allocate and free tensors of tens of megabytes hundreds of times per second of audio. By default glibc
returns each to the system and the kernel zeroes new pages for the next; on a CPU that costs as much as half the
autoencoder. Only glibc has these settings; elsewhere the functions do nothing and return False.
"""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_DONT_NEED = 4  # from Linux's mman.h
_PAGE = 4096  # where pages are larger, the system refuses a range that is not whole ones

# From glibc's malloc.h.
_TRIM_THRESHOLD = -1
_MMAP_MAX = -4
_NEVER = -1
_DEFAULT_TRIM_THRESHOLD = 128 * 1024
_DEFAULT_MMAP_MAX = 65_536


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    process = ctypes.CDLL(None)
    return process if hasattr(process, "mallopt") and hasattr(process, "malloc_trim") else None


def keep_freed_memory() -> bool:
    """Freed memory stays with the process from now on; True if the system's allocator supports that."""
    libc = _glibc()
    if libc is None:
        return False
    return bool(libc.mallopt(_MMAP_MAX, 0)) and bool(libc.mallopt(_TRIM_THRESHOLD, _NEVER))


def return_freed_memory() -> bool:
    """Freed memory returns to the system from now on, as usual; True if the system's allocator supports that.

    For loading: weights interleaved with short-lived copies on one heap leave unusable holes; a full-size checkpoint
    packed into 8 bits took 8 GB instead of 2.
    """
    libc = _glibc()
    if libc is None:
        return False
    mapped = libc.mallopt(_MMAP_MAX, _DEFAULT_MMAP_MAX)
    return bool(mapped) and bool(libc.mallopt(_TRIM_THRESHOLD, _DEFAULT_TRIM_THRESHOLD))


def give_back_freed_memory() -> bool:
    """Returns free memory to the system now, for instance after unloading; True if there was any."""
    libc = _glibc()
    return libc is not None and bool(libc.malloc_trim(0))


def let_go_of_file(view: Tensor) -> bool:
    """The pages of a view of a mapped file leave the process's memory, and come back when they are read again.

    For weights of which a packed or converted copy is in use. Only for unchanged views of a file: elsewhere the numbers
    would be lost. True where the system does so.
    """
    if not sys.platform.startswith("linux"):
        return False
    begin = -(-view.data_ptr() // _PAGE) * _PAGE
    end = (view.data_ptr() + view.nbytes) // _PAGE * _PAGE
    if end <= begin:
        return False
    libc = ctypes.CDLL(None)
    return bool(libc.madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), _DONT_NEED) == 0)
