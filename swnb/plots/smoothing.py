"""Smoothed values of one line. A value that is not finite stays a gap and moves nothing."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Final

import numpy as np
import pandas as pd

from swnb.errors import BadInput

Array = np.ndarray[Any, Any]
_HUGE: Final = 1e300  # a sum of greater numbers may be no float; such a one stays as it is and moves nothing


def checked(smooth: float, window: int) -> None:
    """BadInput where the weight is not in [0, 1), the window no count from 1, or both are asked for."""
    if not isinstance(smooth, Real) or not 0 <= smooth < 1:
        raise BadInput(f"smooth={smooth!r} is no weight", todo="Give a number from 0 (as it is) to below 1")
    if not isinstance(window, Integral) or isinstance(window, bool) or window < 1:
        raise BadInput(f"window={window!r} is no count of points", todo="Give a whole number from 1 (as it is)")
    if smooth and window > 1:
        raise BadInput("smooth and window are two ways to smooth", todo="Give one of them")


def smoothed(values: Array, smooth: float = 0.0, window: int = 1) -> Array:
    """``smooth``: exponential mean, the weight of what was before, corrected for its beginning (the first value is not
    dragged to zero). ``window``: mean of so many points about each."""
    fine = np.abs(values) < _HUGE
    series = pd.Series(np.where(fine, values, np.nan))
    if smooth:
        mean = series.ewm(alpha=1 - smooth, adjust=True, ignore_na=True).mean()
    else:
        mean = series.rolling(window, center=True, min_periods=1).mean()
    found: Array = np.where(fine, mean.to_numpy(), values)
    return found
