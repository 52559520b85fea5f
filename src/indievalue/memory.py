"""Give memory back to the operating system."""

import ctypes
import sys


def return_memory() -> None:
    """Return freed memory to the operating system.

    The C library of Linux keeps most of it otherwise, in every thread, which adds up to hundreds of MB over several
    predictors. Nothing is done elsewhere.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # only glibc has it
        if trim is not None:
            trim(ctypes.c_size_t(0))
