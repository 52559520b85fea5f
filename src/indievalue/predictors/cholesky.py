"""Inverses of Cholesky factors, which several threads can compute at once.

SciPy's Python functions for LAPACK hold the interpreter lock, so that threads wait for each other. The same routines
are called here through the pointers that ``scipy.linalg.cython_lapack`` offers to compiled code; ctypes releases the
lock.
"""

import ctypes
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_INT, _ARRAY = ctypes.POINTER(ctypes.c_int), ctypes.c_void_p


@cache
def _routine(name: str, *arguments: type) -> Callable[..., None]:
    """Return a routine of LAPACK, by name."""
    from scipy.linalg import cython_lapack  # takes a tenth of a second, which only fitting needs

    capsule = cython_lapack.__pyx_capi__[name]
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype, api.PyCapsule_GetName.argtypes = ctypes.c_char_p, [ctypes.py_object]
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    pointer = api.PyCapsule_GetPointer(capsule, api.PyCapsule_GetName(capsule))
    return ctypes.CFUNCTYPE(None, *arguments)(pointer)


def inverse_root(matrix: Floats) -> Floats:
    """Return L⁻¹ (n × n) for the Cholesky factor L of a positive definite matrix, whose inverse is L⁻ᵀ L⁻¹.

    Raises numpy.linalg.LinAlgError if the matrix is not positive definite.
    """
    factorize = _routine("dpotrf", ctypes.c_char_p, _INT, _ARRAY, _INT, _INT)
    invert = _routine("dtrtri", ctypes.c_char_p, ctypes.c_char_p, _INT, _ARRAY, _INT, _INT)
    root = np.array(matrix, np.float64, order="F")
    size, status = ctypes.c_int(len(root)), ctypes.c_int(0)
    factorize(b"L", size, root.ctypes.data, size, status)
    if status.value == 0:
        invert(b"L", b"N", size, root.ctypes.data, size, status)
    if status.value != 0:
        raise np.linalg.LinAlgError("the covariance is not positive definite; raise the ridge")
    return np.asarray(np.triu(root.T).T)
