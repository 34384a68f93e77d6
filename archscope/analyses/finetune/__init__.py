"""The costs of full training, a frozen backbone, adapters and recomputation, side by side."""

from archscope.analyses import Analysis
from archscope.analyses.finetune.analysis import run
from archscope.analyses.finetune.rows import MODULES, PARTS, TIMELINE, WAYS
from archscope.analyses.finetune.settings import Settings

ANALYSIS = Analysis(
    name="finetune",
    summary="memory and MACs of full training, a frozen backbone, LoRA, recomputation",
    run=run,
    reported=False,
    examples=(
        "archscope finetune resnet50 --batch-size 16",
        "archscope finetune gpt2 --lora r=16,targets=qkv --dtype bf16",
        "archscope finetune vit_b_16 --freeze 'blocks.[0-9]*' --by parts",
    ),
    settings=Settings,
    sections=(WAYS, PARTS, MODULES, TIMELINE),
)
