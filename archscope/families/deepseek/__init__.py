"""DeepSeek-V2 and V3: decoders with latent attention, shared and routed experts."""

from archscope.blocks.examples import text
from archscope.families import Family, by_weights
from archscope.families.deepseek.outline import outline
from archscope.families.deepseek.spec import DeepSeekSpec, blocks, describe

FAMILY = Family(
    name="deepseek",
    summary="DeepSeek-V2 and V3: latent attention, shared and routed experts",
    spec=DeepSeekSpec,
    describe=describe,
    inputs=text,
    module="archscope.families.deepseek.network:DeepSeek",
    blocks=blocks,
    outline=outline,
    census=by_weights("archscope.families.deepseek.weights:weights"),
    saved_activations="archscope.families.deepseek.saved_activations:saved_activations",
    cache="archscope.families.deepseek.cache:cache",
    weights="archscope.families.deepseek.weights:weights",
)
