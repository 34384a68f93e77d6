"""What a step of a WaveNet keeps for those after it: what its convolutions will read. No torch."""

from __future__ import annotations

from dataclasses import replace

from archscope.families.wavenet.census import census
from archscope.families.wavenet.spec import WaveNetSpec, blocks
from archscope.theory.cache import Cache, convolved


def cache(spec: WaveNetSpec) -> Cache:
    """Return the earlier inputs of all causal convolutions (Paine et al. 2016, Fast WaveNet)."""
    through, taps = spec.residual_channels, spec.kernel_size
    return Cache(
        layers=(
            convolved("causal", channels=spec.classes, taps=taps),
            *(
                convolved(
                    f"{block.path}.dilated", channels=through, taps=taps, dilation=block.dilation
                )
                for block in blocks(spec)
            ),
        ),
        context=spec.input_size,
        batch=spec.batch_size,
        step=lambda batch: census(replace(spec, input_size=1, batch_size=batch)).layers,
        of_length=lambda length: replace(spec, input_size=length),
        unit="samples",
    )
