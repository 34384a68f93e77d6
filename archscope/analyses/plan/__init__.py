"""What training takes on many GPUs: memory of each, FLOPs, time, money, and whether it fits."""

from archscope.analyses import Analysis
from archscope.analyses.plan.analysis import run
from archscope.analyses.plan.rows import CHANGES, COST, LARGEST, PARTS, SENT, SIZES, STAGES
from archscope.analyses.plan.settings import Settings

ANALYSIS = Analysis(
    name="plan",
    summary="training on many GPUs: memory, FLOPs, days, cost, and whether it fits",
    run=run,
    needs="name",
    reported=False,
    examples=(
        "archscope plan gpt2-xl --gpu a100 --gpus 8 --zero 2 --micro-batch 4",
        "archscope plan llama-3-70b --gpu h100 --gpus 64 --tp 8 --pp 4 --zero 1 --by stages",
        "archscope plan gpt2-xl --gpu h100 --mfu 0.4 --tokens 300B --price 2 --by cost",
        "archscope plan --depth 24 --card-memory 24GiB --max batch --by largest",
    ),
    settings=Settings,
    sections=(PARTS, STAGES, COST, SENT, CHANGES, LARGEST, *SIZES),
    quantities="archscope.analyses.plan.claims:QUANTITIES",
    claims=("gpu_memory <= 80GiB", "train_days <= 30", "bubble <= 5%"),
    failure="archscope.analyses.plan.claims:failure",
)
