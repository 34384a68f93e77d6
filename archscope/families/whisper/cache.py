"""What decoding with a Whisper keeps: keys and values of the text, and of the sound. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archscope.blocks.plan import lists
from archscope.families.whisper.census import decoded
from archscope.families.whisper.spec import WhisperSpec, blocks
from archscope.theory.cache import Cache, LayerCache, keys_and_values, without_products
from archscope.theory.census import Counted


def cache(spec: WhisperSpec) -> Cache:
    """Return what the blocks of the decoder keep; a source is as long as the encoder leaves it."""

    def step(batch: int) -> tuple[Counted, ...]:
        one = replace(spec, target_len=1, batch_size=batch)
        return tuple(without_products(decoded(one, memory=0)))

    return Cache(
        layers=tuple(_layers(spec)),
        context=spec.target_len,
        batch=spec.batch_size,
        step=step,
        of_length=lambda length: replace(spec, target_len=length),
        most=spec.target_positions,
    )


def _layers(spec: WhisperSpec) -> Iterator[LayerCache]:
    width = spec.d_model // spec.heads
    for block in lists(blocks(spec))["decoder.blocks"]:
        own = keys_and_values(f"{block.path}.attn", heads=spec.heads, asking=spec.heads, key=width)
        yield own
        yield replace(
            own,
            path=f"{block.path}.cross",
            kind="cross attention",
            source=spec.frames,
            reference="Radford et al. 2022, section 2.2",
        )
