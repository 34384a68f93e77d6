"""What decoding with a T5 keeps: keys and values of the target, and of the source. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archscope.blocks.plan import lists
from archscope.families.t5.census import decoded
from archscope.families.t5.spec import T5Spec, blocks
from archscope.theory.cache import Cache, LayerCache, keys_and_values, without_products
from archscope.theory.census import Counted


def cache(spec: T5Spec) -> Cache:
    """Return what the blocks of the decoder keep."""

    def step(batch: int) -> tuple[Counted, ...]:
        one = replace(spec, target_len=1, batch_size=batch)
        return tuple(without_products(decoded(one, memory=0)))

    return Cache(
        layers=tuple(_layers(spec)),
        context=spec.target_len,
        batch=spec.batch_size,
        step=step,
        of_length=lambda length: replace(spec, target_len=length),
    )


def _layers(spec: T5Spec) -> Iterator[LayerCache]:
    for block in lists(blocks(spec))["decoder.blocks"]:
        own = keys_and_values(
            f"{block.path}.attn", heads=spec.heads, asking=spec.heads, key=spec.head_dim
        )
        yield own
        yield replace(
            own,
            path=f"{block.path}.cross",
            kind="cross attention",
            source=spec.seq_len,
            reference="Vaswani et al. 2017, section 3.2.3",
        )
