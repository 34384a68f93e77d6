"""What decoding caches in memory, what a runtime reserves for it, and what one step costs."""

from archscope.analyses import Analysis
from archscope.analyses.kv.analysis import run
from archscope.analyses.kv.rows import BATCHES, CHECK, CONTEXTS, GUESSES, KINDS, LAYERS, RUNTIMES
from archscope.analyses.kv.settings import Settings

ANALYSIS = Analysis(
    name="kv",
    summary="KV cache of decoding, layer by layer, and the cost of one step",
    run=run,
    needs="name",
    reported=False,
    examples=(
        "archscope kv deepseek-v3 --context 32768",
        "archscope kv gemma-2-27b --context 8192 --batch 4 --runtime llamacpp",
        "archscope kv qwen3-1.7b --runtime vllm --cache-memory 18.78GiB",
        "archscope kv llama-3-8b --gpu h100 --by batches",
        "archscope kv llama-3-8b --gpu h100 --acceptance 0.8 --guesses 5 --by guesses",
        "archscope kv gpt2 --verify --by check",
    ),
    settings=Settings,
    sections=(LAYERS, KINDS, RUNTIMES, BATCHES, CONTEXTS, GUESSES, CHECK),
    quantities="archscope.analyses.kv.claims:QUANTITIES",
    claims=("kv_bytes <= 16GiB", "kv_per_token <= 128KiB"),
)
