"""How many parameters and FLOPs, module by module, operator by operator, part by part."""

from archscope.analyses import Analysis
from archscope.analyses.params.analysis import run
from archscope.analyses.params.published import PUBLISHED
from archscope.analyses.params.rows import COMPONENTS, DEPTH, MODULES, OPERATORS, TYPES
from archscope.analyses.params.teacher import TEACHER

ANALYSIS = Analysis(
    name="params",
    summary="parameters and FLOPs, module by module",
    run=run,
    takes_files=True,
    quantities="archscope.analyses.params.claims:QUANTITIES",
    sections=(
        *(MODULES, COMPONENTS, TYPES, OPERATORS, DEPTH, PUBLISHED, TEACHER),
        "archscope.analyses.params.stored.rows:NUMBER_TYPES",
        "archscope.analyses.params.stored.rows:TENSORS",
        "archscope.analyses.params.stored.rows:NEEDED",
    ),
)
