"""Other programs that count, each as it ships: one file each, with the constant `TOOL`."""

from __future__ import annotations

from archscope.counting.others import (
    calflops_tool,
    fvcore_tool,
    ptflops_tool,
    thop_tool,
    torch_tool,
    torchinfo_tool,
)
from archscope.counting.others._tool import Tool

TOOLS: tuple[Tool, ...] = (
    fvcore_tool.TOOL,
    torch_tool.TOOL,
    torchinfo_tool.TOOL,
    thop_tool.TOOL,
    ptflops_tool.TOOL,
    calflops_tool.TOOL,
)
"""In the order in which they are shown."""
