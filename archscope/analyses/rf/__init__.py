"""What one output sees and what it misses: receptive field and gridding, exactly, without torch.

Counts along one axis hold for each axis, since all are alike; positions and coverage are over all
axes together. Everything is for an output away from the borders.
"""

from archscope.analyses import Analysis
from archscope.analyses.rf.analysis import run
from archscope.analyses.rf.erf_rows import ERF, GRADIENTS
from archscope.analyses.rf.operators_rows import MODULES, UNIT, WITHIN
from archscope.analyses.rf.rows import BRANCHES, LAYERS, MAPS, POSITIONS
from archscope.analyses.rf.suggest import SCHEDULES

ANALYSIS = Analysis(
    name="rf",
    summary="receptive field and gridding, and which dilations to choose instead",
    run=run,
    sections=(LAYERS, BRANCHES, MAPS, POSITIONS, MODULES, WITHIN, UNIT, ERF, GRADIENTS, SCHEDULES),
)
