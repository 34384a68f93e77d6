"""How deep modules are nested: torch walks through them by calls, which Python bounds."""

from __future__ import annotations

import sys

from torch import nn

from archscope.errors import ArchscopeError, first_line


def require_walkable(model: nn.Module) -> None:
    """Raise `ArchscopeError` where the modules of a model cannot be listed."""
    try:
        listed = list(model.modules())
    except RecursionError:
        raise ArchscopeError(
            f"{type(model).__name__}: its modules are nested {_depth(model):,} deep, more than "
            f"torch can walk through below Python's limit of {sys.getrecursionlimit():,} calls "
            "(sys.setrecursionlimit)"
        ) from None
    except Exception as error:  # methods of the user's own in the place of torch's
        raise ArchscopeError(
            f"{type(model).__name__}: its modules cannot be listed: {first_line(error)}"
        ) from error
    circle = _circle(model)
    if circle is not None:
        raise ArchscopeError(
            f"{type(model).__name__}: a {type(circle).__name__} is a module of itself: torch's own "
            "train() and apply() never end on such"
        )
    known = set(map(id, listed))
    for module in listed:
        for name, child in module._modules.items():
            if child is not None and id(child) not in known:
                raise ArchscopeError(
                    f"{type(model).__name__}: torch does not list {name} of a "
                    f"{type(module).__name__}, since another module is equal to it "
                    f"({type(child).__name__} defines __eq__ and __hash__): its weights are hidden"
                )


def _circle(model: nn.Module) -> nn.Module | None:
    """Return a module that is within itself, without a call for each; None: there is none."""
    above, left = {id(model)}, set[int]()
    path = [(model, iter(model._modules.values()))]
    while path:
        module, rest = path[-1]
        held = next((each for each in rest if each is not None and id(each) not in left), None)
        if held is None:
            path.pop()
            above.discard(id(module))
            left.add(id(module))
        elif id(held) in above:
            return held
        else:
            above.add(id(held))
            path.append((held, iter(held._modules.values())))
    return None


def _depth(model: nn.Module) -> int:
    """Return how many modules hold one another, without a call for each."""
    level, seen, depth = [model], {id(model)}, 0
    while level:
        depth += 1
        held = [child for module in level for child in module._modules.values()]
        level = [child for child in held if child is not None and id(child) not in seen]
        seen.update(map(id, level))
    return depth
