"""What a transducer keeps from token to token: states of the network over its text. No torch."""

from __future__ import annotations

from dataclasses import replace

from archscope.errors import UsageError
from archscope.families.conformer.census import transducer
from archscope.families.conformer.spec import ConformerSpec
from archscope.theory.cache import Cache, LayerCache
from archscope.theory.census import Counted


def cache(spec: ConformerSpec) -> Cache:
    """Return the states over the text; raises `UsageError` without a transducer.

    The encoder has read all frames by then. A step joins one of them with the text so far.
    """
    if spec.head != "transducer":
        raise UsageError(
            "it does not decode: every frame is scored at once; give --head transducer"
        )

    def step(batch: int) -> tuple[Counted, ...]:
        return tuple(transducer(replace(spec, target_len=1, batch_size=batch), 1))

    return Cache(
        layers=(
            LayerCache(
                path="transducer.lstm",
                kind="recurrent",
                state="2*l*u",
                symbols={"l": spec.decoder_depth, "u": spec.decoder_dim},
                reference="Graves 2012, section 2.2",
            ),
        ),
        context=spec.target_len,
        batch=spec.batch_size,
        step=step,
        of_length=lambda length: replace(spec, target_len=length),
    )
