"""Rounding after which sums of floating-point numbers are exact, and so the same in any order and on any machine."""

import numpy as np
from numpy.typing import NDArray

_EXACT = 52
"""Bits of an integer that a float64 represents exactly, minus one."""


def fixed(values: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """Round ``values`` as finely as keeps sums of up to ``most`` of them exact, in any order."""
    greatest = float(np.abs(values).max(initial=0)) * most
    if greatest == 0:
        return values
    bits = _EXACT - int(np.ceil(np.log2(greatest)))
    return np.asarray(np.ldexp(np.rint(np.ldexp(values, bits)), -bits))
