"""How long a network takes on this machine, where the time goes, and whether that is good."""

from archscope.analyses import Analysis
from archscope.analyses.time.analysis import run
from archscope.analyses.time.rows import (
    BATCHES,
    BOUNDS,
    CONDITIONS,
    LAYERS,
    PASSES,
    SAMPLES,
)
from archscope.analyses.time.rows_together import RATIOS

ANALYSIS = Analysis(
    name="time",
    summary="time, throughput and memory of a pass, module by module",
    run=run,
    needs="data",
    reported=False,
    quantities="archscope.analyses.time.claims:QUANTITIES",
    sections=(PASSES, LAYERS, BOUNDS, BATCHES, RATIOS, SAMPLES, CONDITIONS),
)
