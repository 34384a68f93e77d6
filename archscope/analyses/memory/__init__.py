"""What a step of training keeps in memory: byte for byte, and when it is most."""

from archscope.analyses import Analysis
from archscope.analyses.memory.analysis import run
from archscope.analyses.memory.rows import CHECK, MODULES, PARTS, SAVED, TIMELINE
from archscope.analyses.memory.settings import Settings

ANALYSIS = Analysis(
    name="memory",
    summary="memory of a training step: what is kept, where, and the peak",
    run=run,
    reported=False,
    settings=Settings,
    sections=(MODULES, SAVED, PARTS, TIMELINE, CHECK),
    quantities="archscope.analyses.memory.claims:QUANTITIES",
)
