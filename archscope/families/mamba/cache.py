"""What decoding with a Mamba keeps: a state, and a few inputs of its convolution. No torch."""

from __future__ import annotations

from dataclasses import replace

from archscope.families.mamba.spec import MambaSpec, blocks
from archscope.families.mamba.weights import weights
from archscope.theory.cache import Cache, LayerCache, without_products
from archscope.theory.census import Counted


def cache(spec: MambaSpec) -> Cache:
    """Return the states of all blocks, which do not grow."""

    def step(batch: int) -> tuple[Counted, ...]:
        return tuple(
            without_products(weights(replace(spec, seq_len=1, batch_size=batch)).census.layers)
        )

    made = _second if spec.version == "v2" else _first
    return Cache(
        layers=tuple(made(spec, f"{block.path}.mixer") for block in blocks(spec)),
        context=spec.seq_len,
        batch=spec.batch_size,
        step=step,
        of_length=lambda length: replace(spec, seq_len=length),
    )


def _first(spec: MambaSpec, path: str) -> LayerCache:
    """Return N numbers of each inner feature; in a step each is read once."""
    return LayerCache(
        path=path,
        kind="state space",
        state="i*n",
        columns="(t - 1)*i",
        symbols={"i": spec.inner, "n": spec.state, "t": spec.kernel_size},
        state_macs="i*n",
        reference="Gu & Dao 2023, section 3.3",
    )


def _second(spec: MambaSpec, path: str) -> LayerCache:
    """Return as many, of heads; the convolution reads what writes and reads the state too."""
    heads = spec.inner // spec.head_width
    return LayerCache(
        path=path,
        kind="state space",
        state="h*p*n",
        columns="(t - 1)*(h*p + 2*n)",
        symbols={"h": heads, "p": spec.head_width, "n": spec.state, "t": spec.kernel_size},
        heads=heads,
        state_macs="2*h*p*n",
        reference="Dao & Gu 2024, section 7",
    )
