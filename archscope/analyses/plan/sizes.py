"""Every meaning of N, the parameters, side by side."""

from __future__ import annotations

from collections.abc import Iterator

from archscope.analyses.plan.rows import SizeRow
from archscope.theory.census import EMBEDDING
from archscope.theory.stages import Layer, Stages, alike, tally
from archscope.theory.training_cost import train_flops


def size_rows(stages: Stages, tokens: int | None) -> Iterator[SizeRow]:
    """Yield what different authors count, and 6 N D of each; `tokens` of the whole training."""
    tables = sum(
        times * layer.params
        for layer, times in tally(stages.parts)
        if layer.counted.kind == EMBEDDING
    )
    rows = (
        ("all", stages.params, "Hoffmann et al. 2022 (arXiv 2203.15556), appendix F: with tables"),
        (
            "all but tables of embeddings",
            stages.params - tables,
            "Kaplan et al. 2020 (arXiv 2001.08361), section 2.1",
        ),
        ("active for one token", stages.active, "DeepSeek-AI 2024 (arXiv 2412.19437), section 1"),
        (
            "what is multiplied by",
            sum(times * sum(map(_multiplied, part.layers)) for part, times in alike(stages.parts)),
            "of experts the chosen, of a tied table the scores; torchtitan counts so",
        ),
    )
    for meaning, params, source in rows:
        flops = None if tokens is None else train_flops(params, tokens)
        yield SizeRow(meaning=meaning, count=params, flops=flops, source=source)


def _multiplied(layer: Layer) -> int:
    """Return the parameters of a layer that every token meets in a product."""
    if not layer.macs or layer.counted.kind == EMBEDDING:
        return 0
    division = layer.division
    if division.experts:
        return layer.params // division.experts * division.chosen
    return layer.params
