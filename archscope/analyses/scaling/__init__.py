"""What N means, what training costs by each meaning, and which sizes scaling laws recommend."""

from archscope.analyses import Analysis
from archscope.analyses.scaling.analysis import run
from archscope.analyses.scaling.rows import LAWS, MEANINGS
from archscope.analyses.scaling.settings import Settings

ANALYSIS = Analysis(
    name="scaling",
    summary="6 N D by each definition of N, and compute-optimal sizes by each scaling law",
    run=run,
    needs="name",
    reported=False,
    settings=Settings,
    sections=(MEANINGS, LAWS),
    examples=(
        "archscope scaling gpt2",
        "archscope scaling qwen3-30b-a3b --seq-len 8192 --tokens 36T",
        "archscope scaling llama-3.1-405b --by laws --tokens 15.6T",
        "archscope scaling --by laws --compute 5.76e23",
        "archscope scaling ./net.py:Net --input-shape ids:int64:1,1024",
    ),
    quantities="archscope.analyses.scaling.claims:QUANTITIES",
    claims=("n_active <= 4B",),
)
