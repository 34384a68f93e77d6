"""The multiply-accumulates of a training step: forward, backward, recomputation."""

from archscope.analyses import Analysis
from archscope.analyses.train.analysis import run
from archscope.analyses.train.rows import MODULES, RECIPES
from archscope.analyses.train.settings import Settings

ANALYSIS = Analysis(
    name="train",
    summary="MACs of a training step: forward, backward and recomputation",
    run=run,
    reported=False,
    examples=(
        "archscope train resnet50 --max-depth 1",
        "archscope train resnet50 --freeze 'conv1,bn1,layer*'",
        "archscope train gpt2 --lora r=8,targets=qkv",
        "archscope train --depth 24 --recompute full --by recipes",
    ),
    settings=Settings,
    sections=(MODULES, RECIPES),
    quantities="archscope.analyses.train.claims:QUANTITIES",
    claims=("train_macs <= 3T",),
)
