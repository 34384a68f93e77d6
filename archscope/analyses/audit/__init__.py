"""The same network under other counters, side by side, with the reason for each difference."""

from archscope.analyses import Analysis
from archscope.analyses.audit.analysis import run
from archscope.analyses.audit.rows import DIFFERENCES, TOOLS

ANALYSIS = Analysis(
    name="audit",
    summary="the same network as other counters see it, and why they differ",
    run=run,
    needs="whole",
    reported=False,
    sections=(TOOLS, DIFFERENCES),
)
