"""Names the part of a network that a module belongs to, e.g. `attention`.

A module says so by the attribute `archscope_component`, on its class or on itself; the modules
inside it inherit the word unless they have their own. What it costs it may say itself too, by a
method `archscope_closed_form` of the shapes that it takes and makes, and by the attribute
`archscope_layer` which type of layer it is, where its class and weights do not tell.
"""

from typing import TypeVar

from torch import nn

ATTRIBUTE = "archscope_component"
Shape = tuple[int, ...]
M = TypeVar("M", bound=nn.Module)


def part(component: str, module: M) -> M:
    """Mark a module of torch's own as part of `component`, and return it."""
    setattr(module, ATTRIBUTE, component)
    return module
