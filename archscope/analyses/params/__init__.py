"""How many parameters and FLOPs, module by module, operator by operator, part by part."""

from archscope.analyses import Analysis
from archscope.analyses.params.analysis import run
from archscope.analyses.params.published import PublishedRow
from archscope.analyses.params.rows import ComponentRow, DepthRow, ModuleRow, OperatorRow, Totals
from archscope.analyses.params.teacher import TeacherRow

ANALYSIS = Analysis(
    name="params",
    summary="parameters and FLOPs, module by module",
    run=run,
    sections={
        "modules": ModuleRow,
        "components": ComponentRow,
        "operators": OperatorRow,
        "depth": DepthRow,
        "published": PublishedRow,
        "teacher": TeacherRow,
    },
    totals={"modules": Totals},
)
