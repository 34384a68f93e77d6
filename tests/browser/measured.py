"""Reports of a network of one's own, built by hand: an audit, and measured receptive fields."""

from __future__ import annotations

from math import exp
from typing import Any

from archscope.analyses.audit.headline import headline
from archscope.analyses.audit.rows import DIFFERENCES, TOOLS, AuditTotals, DifferenceRow, ToolRow
from archscope.analyses.rf.erf.rows import ERF, GRADIENTS, ErfRow, ErfTotals, GradientRow
from archscope.results import Environment, Note, Report, Section

MACHINE = Environment(
    archscope="0.1.0", python="3.11", torch="2.13.0", fvcore="0.1.5", platform="any", device="cpu"
)
REASON = "fused attention is not counted (aten::_scaled_dot_product_flash_attention_for_cpu) <b>"


def report(command: str, *sections: Section) -> Report:
    return Report(
        command=command, title="Net · ./net.py", config={}, environment=MACHINE, sections=sections
    )


def tool(name: str, params: int | None, macs: int | None, state: str, **fields: Any) -> ToolRow:
    return ToolRow(
        tool=name,
        version=fields.get("version", "1.0"),
        params=params,
        params_ratio=None if params is None else params / 1_000,
        macs=macs,
        macs_ratio=None if macs is None else macs / 50_000,
        state=state,
        counted=macs is not None,
    )


def difference(name: str, amount: int, reason: str = REASON, **fields: Any) -> DifferenceRow:
    quantity = fields.get("quantity", "macs")
    return DifferenceRow(
        tool=name,
        quantity=quantity,
        amount=amount,
        share=amount / (1_000 if quantity == "params" else 50_000),
        reason=reason,
        modules=fields.get("modules", 2),
        example=fields.get("example", "blocks.0.attn"),
        explained=fields.get("explained", True),
    )


def audit() -> Report:
    """Three counters that say three things, one that fails and one that is not here."""
    tools = (
        tool("archscope", 1_000, 50_000, "MACs"),
        tool("same", 1_000, 50_000, "FLOPs, one for each MAC: taken as MACs"),
        tool("less", None, 49_999, "FLOPs, two for each MAC: halved; no parameters"),
        tool("odd", 1_730, 400_000, "MACs, and estimates"),
        tool("broken", None, None, "failed: ValueError: out of <i>coffee</i>"),
        tool("absent", None, None, "not installed: pip install absent", version=None),
    )
    differences = (
        difference("less", -1),
        difference("odd", 730, "tied weights", quantity="params", modules=None, example=""),
        *(difference("odd", 70_000, f"reason {number}") for number in range(4)),
        difference("odd", 70_000, "not explained", explained=False, example=""),
    )
    totals = AuditTotals(
        our_params=1_000,
        our_macs=50_000,
        complete=True,
        counters=3,
        agreeing=1,
        unexplained=1,
    )
    notes = (Note(level="warning", text="odd differs", details=("+70,000 MACs", "<b>more</b>")),)
    return report(
        "audit",
        TOOLS.filled(tools, totals=totals, notes=notes, headline=tuple(headline(totals))),
        DIFFERENCES.filled(differences),
    )


def measured(*, axes: int = 2, local: bool = False) -> Report:
    """The gradients of one unit: a bell of 7 positions in a window of 9, along one axis or two."""
    bell = [0.0, *(exp(-((place - 3) ** 2) / 2) for place in range(7)), 0.0]
    lines = [[a * b for b in bell] for a in bell] if axes > 1 else [bell]
    whole = sum(map(sum, lines))
    gradients = tuple(
        GradientRow(
            line=None if axes == 1 else 4 + number,
            start=4,
            step=1,
            density=tuple(each / whole for each in line),
        )
        for number, line in enumerate(lines)
    )
    totals = ErfTotals(
        output="body",
        axes=tuple(range(2, 2 + axes)),
        sizes=(20,) * axes,
        unit=(8,) * axes,
        first=(0,) * axes if local else (5,) * axes,
        last=(19,) * axes if local else (11,) * axes,
        local_first=(5,) * axes if local else None,
        local_last=(11,) * axes if local else None,
        outside=0.0,
        images=2,
        kind="random, seeds 0–1",
        weights="its own",
    )
    rows = (
        erf_row("theory", None, 7),
        erf_row("spread", None, 1.0),
        erf_row("contour", 0.95, None, of_field=25 / 49),
        erf_row("raw mass", 0.5, 3),
        erf_row("raw mass", 0.99, 7),
        erf_row("RepLKNet area", 0.5, 5),
        erf_row("RepLKNet area", 0.99, None, unknown="side, area, of_field"),
    )
    return report(
        "rf",
        ERF.filled(rows, totals=totals),
        GRADIENTS.filled(gradients),
    )


def erf_row(measure: str, threshold: float | None, side: float | None, **fields: Any) -> ErfRow:
    of_field = fields.get("of_field", None if side is None else side**2 / 49)
    return ErfRow(
        measure=measure,
        threshold=threshold,
        side=side,
        area=None if of_field is None else of_field * 49 / 400,
        of_field=of_field,
        source=f"definition of {measure}",
        images=2,
        kind="random, seeds 0–1",
        unknown=fields.get("unknown", ""),
    )
