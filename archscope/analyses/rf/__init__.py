"""What one output sees and what it misses: receptive field and gridding, exactly, without torch.

Counts along one axis hold for each axis, since all are alike; positions and coverage are over all
axes together. Everything is for an output away from the borders.
"""

from archscope.analyses import Analysis
from archscope.analyses.rf.analysis import run
from archscope.analyses.rf.erf_rows import ErfRow, ErfTotals, GradientRow
from archscope.analyses.rf.operators_rows import GraphTotals, ModuleRow, UnitRow, WithinRow
from archscope.analyses.rf.rows import BranchRow, LayerRow, MapRow, PositionRow, Totals
from archscope.analyses.rf.suggest import ScheduleRow

ANALYSIS = Analysis(
    name="rf",
    summary="receptive field and gridding, and which dilations to choose instead",
    run=run,
    sections={
        "layers": LayerRow,
        "maps": MapRow,
        "branches": BranchRow,
        "positions": PositionRow,
        "schedules": ScheduleRow,
        "modules": ModuleRow,
        "within": WithinRow,
        "unit": UnitRow,
        "erf": ErfRow,
        "gradients": GradientRow,
    },
    totals={"layers": Totals, "branches": Totals, "modules": GraphTotals, "erf": ErfTotals},
)
