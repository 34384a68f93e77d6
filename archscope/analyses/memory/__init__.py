"""What a training step keeps in memory, byte for byte, and its peak."""

from archscope.analyses import Analysis
from archscope.analyses.memory.analysis import run
from archscope.analyses.memory.rows import CHECK, CLOSED, MODULES, PARTS, SAVED, TIMELINE
from archscope.analyses.memory.settings import Settings

ANALYSIS = Analysis(
    name="memory",
    summary="memory of a training step: what is saved, where, and the peak",
    run=run,
    reported=False,
    examples=(
        "archscope memory gpt2 --batch-size 8 --dtype bf16",
        "archscope memory resnet50 --by parts",
        "archscope memory --depth 24 --recompute full --max-depth 1",
        "archscope memory gpt2 --recompute selective --attention-kernel math --explain",
        "archscope memory gpt2 --lora r=16,targets=qkv --optimizer 8bit",
        "archscope memory ./net.py:UNet --input-shape 4,3,256,256 --check --by check",
    ),
    settings=Settings,
    sections=(MODULES, SAVED, PARTS, TIMELINE, CLOSED, CHECK),
    quantities="archscope.analyses.memory.claims:QUANTITIES",
    claims=("step_peak <= 24GiB", "act <= 8GiB"),
)
