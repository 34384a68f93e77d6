"""Which module of the network a node of ONNX comes from, as its exporter says."""

from __future__ import annotations

import ast
from typing import Any

_SCOPES = "pkg.torch.onnx.name_scopes"
_DEEPEST = 50


def path_of(node: Any, number: int) -> str:
    """Return the module that a node belongs to: of torch's exporters the one that called it."""
    for prop in node.metadata_props:
        if prop.key == _SCOPES:
            scopes = _texts(prop.value)
            if scopes:
                return next((scope for scope in reversed(scopes[:-1]) if scope), "")
    name = node.name or f"{node.op_type}_{number}"
    if not name.startswith("/"):
        return safe_path(name)
    *scopes, _ = name[1:].split("/")
    # Scopes of one module repeat those above: /layers.0/layers.0.conv/Conv
    return safe_path(".".join(scopes))


def safe_path(name: str) -> str:
    """Return a name as a path of at most so many parts."""
    parts = [part for part in name.replace("/", ".").split(".") if part]
    return ".".join(parts[:_DEEPEST])


def _texts(text: str) -> list[str]:
    try:
        found = ast.literal_eval(text) if len(text) < 10_000 else None
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return []
    return [each for each in found if type(each) is str] if isinstance(found, list) else []
