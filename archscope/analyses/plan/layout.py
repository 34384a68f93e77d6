"""How GPUs share a training run: read from the settings, and checked."""

from __future__ import annotations

from typing import Literal

from archscope.amounts import size, whole
from archscope.analyses.plan.settings import Settings
from archscope.errors import SpecError
from archscope.hardware import Card, named
from archscope.records import frozen
from archscope.theory.recipes import StateRecipe, recipe_named
from archscope.theory.saved_activations import Way

Recompute = Literal["none", "selective", "full"]


@frozen
class Layout:
    """How cards share a step."""

    dp: int
    tp: int
    pp: int
    ep: int
    zero: int
    sequence_parallel: bool
    chunks: int
    """Runs of blocks on each card of the pipeline."""
    recipe: StateRecipe
    recompute: Recompute
    attention: Literal["flash", "math"]
    dropout: bool
    loss: Literal["cross-entropy", "sum"]
    micro_batch: int
    """Inputs of one pass."""
    micro_batches: int
    """Passes of one copy in a step."""

    @property
    def gpus(self) -> int:
        """All cards."""
        return self.dp * self.tp * self.pp

    @property
    def global_batch(self) -> int:
        """Inputs of a step."""
        return self.dp * self.micro_batch * self.micro_batches

    @property
    def activation(self) -> int:
        """Bytes of one number of an activation."""
        return self.recipe.weight

    @property
    def expert_ranks(self) -> int:
        """Cards that have the same experts."""
        return self.dp // self.ep

    def way(self) -> Way:
        """Return how a step runs, as far as it changes what is kept."""
        return Way(
            attention=self.attention,
            selective=self.recompute == "selective",
            every=int(self.recompute == "full"),
            dropout=self.dropout,
        )


def layout_of(settings: Settings, samples: int) -> Layout:
    """Return what is asked, `samples` being the network's own batch; raises `SpecError`."""
    dp = _copies(settings)
    micro = settings.micro_batch or samples
    if settings.interleave > 1 and settings.pp == 1:
        raise SpecError("interleave", settings.interleave, "needs a pipeline: {pp} of 2 or more")
    if dp % settings.ep:
        problem = f"does not divide the {dp} copies of {{dp}}, some of which share the experts"
        raise SpecError("ep", settings.ep, problem)
    if settings.sequence_parallel and settings.tp == 1:
        raise SpecError("sequence_parallel", True, "needs {tp} of 2 or more")
    passes = _passes(settings, dp, micro)
    if settings.interleave > 1 and passes % settings.pp:
        problem = (
            f"makes {passes} micro-batches, but an interleaved pipeline takes groups of "
            f"{{pp}} {settings.pp}"
        )
        raise SpecError("global_batch", dp * micro * passes, problem)
    return Layout(
        dp=dp,
        tp=settings.tp,
        pp=settings.pp,
        ep=settings.ep,
        zero=settings.zero,
        sequence_parallel=settings.sequence_parallel,
        chunks=settings.interleave,
        recipe=recipe_named(settings.recipe),
        recompute=settings.recompute,
        attention=settings.attention_kernel,
        dropout=settings.dropout,
        loss=settings.loss,
        micro_batch=micro,
        micro_batches=passes,
    )


def _copies(settings: Settings) -> int:
    """Return the data-parallel copies, of which the cards must be a multiple."""
    each = settings.tp * settings.pp
    if settings.gpus is None:
        return settings.dp or 1
    if settings.gpus % each:
        problem = f"is not a multiple of {{tp}} {settings.tp} x {{pp}} {settings.pp} = {each}"
        near = settings.gpus // each * each
        ways = f"{near}, {near + each}" if near else f"{each}"
        raise SpecError("gpus", settings.gpus, f"{problem}. Nearest: {ways}")
    if settings.dp is not None and settings.dp * each != settings.gpus:
        problem = f"is not {{dp}} {settings.dp} x {{tp}} {settings.tp} x {{pp}} {settings.pp}"
        raise SpecError("gpus", settings.gpus, f"{problem} = {settings.dp * each}")
    return settings.gpus // each


def _passes(settings: Settings, dp: int, micro: int) -> int:
    if settings.global_batch is None:
        return settings.pp
    once = dp * micro
    if settings.global_batch % once:
        near = settings.global_batch // once * once
        ways = f"{near}, {near + once}" if near else f"{once}"
        problem = f"is not a multiple of {{dp}} {dp} x {{micro_batch}} {micro}. Nearest: {ways}"
        raise SpecError("global_batch", settings.global_batch, problem)
    return settings.global_batch // once


@frozen
class Cards:
    """The card, and what is known of it."""

    card: Card | None
    memory: int | None
    """Bytes of one card; None where nobody says."""
    said: str
    """Whose figure that is, or why there is none."""

    def peak(self, number_type: str) -> float | None:
        """Return the dense peak in FLOP/s, of 16 bits that of fp16 where there is no bf16."""
        if self.card is None:
            return None
        return self.card.fp32 if number_type == "fp32" else self.card.bf16 or self.card.fp16


def cards_of(settings: Settings) -> Cards:
    """Return the card that is named; raises `UsageError` for a name or a size that is none."""
    card = named(settings.gpu) if settings.gpu is not None else None
    if settings.card_memory is not None:
        size = read_bytes(settings.card_memory)
        return Cards(card=card, memory=size, said="as you say")
    if card is None:
        return Cards(card=None, memory=None, said="no card is named; give --gpu, e.g. h100")
    if card.memory is None:
        said = f"{card.word} is sold with several sizes, or none is cited; give --card-memory"
        return Cards(card=card, memory=None, said=said)
    return Cards(card=card, memory=card.memory, said=card.source)


def read_bytes(text: str) -> int:
    """Return bytes as they are typed; raises `SpecError`."""
    found = size(text)
    if found is None:
        raise SpecError("card_memory", text, "is not a size; write e.g. 80GiB or 24GB")
    return found


def read_count(text: str | None) -> int | None:
    """Return a number of things as typed, None where nothing is; raises `SpecError`.

    >>> read_count("1.5T"), read_count(None)
    (1500000000000, None)
    """
    if text is None:
        return None
    count = whole(text)
    if count is None:
        raise SpecError("tokens", text, "is not a number of tokens; write e.g. 300B or 15T")
    if count < 1:
        raise SpecError("tokens", text, "is less than one token")
    return count
