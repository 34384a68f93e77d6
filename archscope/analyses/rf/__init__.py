"""What one output sees and what it misses: receptive field and gridding, exactly.

In closed form without torch where a family tells what its layers look at, and from the operators
that any network runs; the same rows and totals in both ways. Everything is for an output away
from the borders.
"""

from __future__ import annotations

from typing import Any

from archscope.analyses import Analysis
from archscope.analyses.rf.rows import BRANCHES, LAYERS, MAPS, POSITIONS, UNIT
from archscope.results import Section


def run(subject: Any, **settings: Any) -> tuple[Section, ...]:
    """Look at a subject, or at a sketch of one; see `archscope.analyses.rf.analysis.run`."""
    from archscope.analyses.rf.analysis import run  # what reads a saved answer needs none of it

    return run(subject, **settings)


ANALYSIS = Analysis(
    name="rf",
    summary="receptive field and gridding, and which dilations to choose instead",
    run=run,
    sections=(
        LAYERS,
        BRANCHES,
        MAPS,
        POSITIONS,
        UNIT,
        "archscope.analyses.rf.use.rows:AXES",
        "archscope.analyses.rf.use.rows:BUFFERS",
        "archscope.analyses.rf.erf.rows:ERF",
        "archscope.analyses.rf.erf.rows:GRADIENTS",
        "archscope.analyses.rf.suggest.rows:SCHEDULES",
        "archscope.analyses.rf.suggest.rows:PATHS",
    ),
    quantities="archscope.analyses.rf.claims:QUANTITIES",
)
