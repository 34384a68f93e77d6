"""Networks of each family that take little time to look at, with all that it is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

LIGHT: dict[str, dict[str, Any]] = {
    "clip": {"depth": 3, "text_depth": 3},
    "conv-tasnet": {"dilations": (1, 2), "stacks": 2},
    "densenet": {"blocks": (2, 3)},
    "detection": {"backbone": "resnet18", "head_layers": 2, "input_size": 64},
    "efficientnet": {"depth_mult": 0.1, "input_size": 64},
    "espnet": {"alpha2": 0, "alpha3": 1, "dilations": (1, 2), "decoder": False, "input_size": 32},
    "hrnet": {"modules": (1, 1), "branch_blocks": 2, "stem_blocks": 3, "input_size": 64},
    "inception": {"version": "v1"},
    "longformer": {"depth": 3, "seq_len": 1024},
    "nasbench101": {"stacks": 2, "cells": 2},
    "nasbench201": {"cells": 2},
    "reformer": {"depth": 2},
    "segformer": {"blocks": (2, 1, 1, 1), "input_size": 64},
    "separable-residual": {"middle_blocks": 2},
    "shufflenet": {"blocks": (1, 3, 1)},
    "swin": {"blocks": (2, 1), "heads": (3, 6), "window": 4, "input_size": 32},
    "vitdet": {"depth": 4, "global_blocks": 1, "input_size": 512},
    "wavenet": {"dilations": (1, 2, 4), "stacks": 2},
}
"""Fields that make it light, of families whose default takes long to look at."""

SIZES = re.compile(r"\d\d+|(?<=[:=/])\d+|(?<=-)[sml]$")
"""Numbers within words, and letters in their place: resnet50, learned:512, moe:8/2, v2-s."""


def kind_of(family: str, values: Iterable[Any]) -> Any:
    """Return what networks have in common that differ by numbers alone; zero is none.

    >>> kind_of("resnet", ["resnet50", 3, 0]) == kind_of("resnet", ["resnet101", 4, 0])
    True
    """
    return family, *(
        SIZES.sub("", each) if isinstance(each, str) else bool(each) for each in values
    )
