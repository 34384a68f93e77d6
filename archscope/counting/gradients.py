"""What is known of the operators of a backward pass by those of the forward."""

from __future__ import annotations

from archscope.counting.operators import classify


def carries_none(operator: str) -> bool:
    """Return whether it is the backward of an operator without multiply-accumulates.

    Such a one has none either; its name is that of its forward, with words after it.
    """
    forward, is_backward, _ = operator.partition("_backward")
    while is_backward and forward:
        public = forward.replace("::_", "::")
        names = (forward, f"{forward}_forward", public)
        kinds = {classify(name) for name in names} - {"unknown"}
        if kinds:
            return "multiply-accumulate" not in kinds
        forward = forward.rpartition("_")[0]
    return False
