"""What is used of fvcore, imported in silence: it scripts functions of its own, which torch says is
deprecated, and where warnings are errors, as in many a test, that would be the end of a count."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from fvcore.nn import FlopCountAnalysis, parameter_count
    from fvcore.nn.jit_analysis import Statistics
    from fvcore.nn.jit_handles import (
        batchnorm_flop_jit,
        conv_flop_count,
        conv_flop_jit,
        elementwise_flop_counter,
        get_shape,
        linear_flop_jit,
    )

__all__ = [
    "FlopCountAnalysis",
    "Statistics",
    "batchnorm_flop_jit",
    "conv_flop_count",
    "conv_flop_jit",
    "elementwise_flop_counter",
    "get_shape",
    "linear_flop_jit",
    "parameter_count",
]
