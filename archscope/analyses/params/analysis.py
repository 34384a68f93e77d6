"""How many parameters and FLOPs, module by module, operator by operator, part by part."""

from __future__ import annotations

from typing import Literal

from archscope.results import Convention, Section
from archscope.subject import Holding, Subject

_COMMON = "biases and other elementwise work not counted, no causal discount, evaluation mode"
FVCORE = Convention(
    name="fvcore",
    flops_per_multiply_add=1,
    text=(
        "fvcore convention: 1 multiply-accumulate (MAC) = 1 FLOP, plus fvcore's estimates for "
        f"norms, pooling and resampling; {_COMMON}"
    ),
)
DOUBLE = Convention(
    name="2 x MACs",
    flops_per_multiply_add=2,
    text=f"1 multiply-accumulate (MAC) = 2 FLOPs; norms, pooling, {_COMMON}",
)
OF_GRAPHS = Convention(
    name="MACs",
    flops_per_multiply_add=1,
    text="1 multiply-accumulate (MAC) = 1 FLOP, from the shapes in the file; norms, pooling, "
    "biases and other elementwise work not counted, no causal discount",
)
Execution = Literal["auto", "shapes", "real"]
"""`shapes`: on the meta device. `real`: on the model's own. `auto`: on shapes where it can."""

CONVENTIONS = {convention.flops_per_multiply_add: convention for convention in (FVCORE, DOUBLE)}
"""By FLOPs per multiply-accumulate."""


def run(
    subject: Subject | Holding,
    *,
    flops: bool = True,
    flops_per_mac: int = 1,
    execution: Execution = "auto",
    nonzero: bool = False,
    freeze: tuple[str, ...] = (),
    totals_alone: bool = False,
) -> tuple[Section, ...]:
    """Count `subject` and return the sections modules, components, operators and depth.

    Without inputs, or without `flops`, the parameters alone are counted. `execution` is `shapes`
    (no data), `real` (the model's own device and data) or `auto`. With `nonzero` the weights are
    read: how many are not zero. `freeze` are patterns of names of parameters or modules that count
    as frozen. With `totals_alone` no rows are made: whoever counts thousands of networks reads
    none. Where the forward raises, a `ForwardError` carries the sections up to there. What a file
    holds is counted by its list of tensors, without torch.
    """
    if isinstance(subject, Holding):
        from archscope.analyses.params.stored import sections as of_file

        return of_file.sections(
            subject.stored,
            flops_per_mac=flops_per_mac,
            nonzero=nonzero,
            freeze=freeze,
            totals_alone=totals_alone,
        )
    from archscope.analyses.params.sections import sections

    return sections(
        subject,
        flops=flops,
        flops_per_mac=flops_per_mac,
        execution=execution,
        nonzero=nonzero,
        freeze=freeze,
        totals_alone=totals_alone,
    )
