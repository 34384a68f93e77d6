"""The definitions of N for a network: all, multiplied or active parameters.

From the same runs the best N grows as C^0.37, C^0.54 or C^0.70 with the budget, by what is counted
(Porian et al. 2024, arXiv 2406.19146; Pearce and Song 2024, arXiv 2406.12907).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from archscope.records import frozen
from archscope.theory.census import ATTENTION, EMBEDDING, EXPERTS, LINEAR, Census, Counted


@frozen
class Meanings:
    """The parameters of a network by each definition of N, and its multiply-accumulates."""

    all: int
    """Every parameter once, shared ones too (Hoffmann et al. 2022, appendix F)."""
    embeddings: int
    """Those of tables that are looked up: tokens, positions, types."""
    head: int
    """Those of the projection to the vocabulary; 0 where it is tied to a table."""
    tied_head: int
    """Weights that the head shares with a table, where they are counted."""
    idle: int | None
    """Those of experts that a token does not meet. None: no router says how many it meets."""
    tokens: int | None
    """Tokens of one forward pass, of all inputs. None: it looks no token up."""
    weighted: int
    """Multiply-accumulates of one forward pass in products with weights."""
    unweighted: int
    """The same of attention's products."""

    @property
    def non_embedding(self) -> int:
        """All but tables and head (Kaplan et al. 2020, section 2.1)."""
        return self.all - self.embeddings - self.head

    @property
    def active(self) -> int | None:
        """Parameters that one token uses: of the experts, only the chosen ones."""
        return None if self.idle is None else self.all - self.idle

    @property
    def active_non_embedding(self) -> int | None:
        """Active parameters without embedding tables and head."""
        return None if self.idle is None else self.non_embedding - self.idle

    @property
    def active_without_lookup(self) -> int | None:
        """Active parameters without tables that are only looked up, as torchtitan counts."""
        if self.active is None:
            return None
        return self.active - self.embeddings + self.tied_head

    @property
    def matmul(self) -> Fraction | None:
        """Weights that one token is multiplied by: a tied head's too; of experts, the chosen."""
        return None if self.tokens is None else Fraction(self.weighted, self.tokens)

    @property
    def attention(self) -> Fraction | None:
        """Multiply-accumulates of attention's products for one token."""
        return None if self.tokens is None else Fraction(self.unweighted, self.tokens)

    @property
    def forward_flops(self) -> int:
        """FLOPs of one forward pass, two for a multiply-accumulate."""
        return 2 * (self.weighted + self.unweighted)


def meanings(census: Census) -> Meanings:
    """Return N of a network by each definition.

    The head is the linear layer that has an output for each word of a table. Tokens are what is
    looked up in the table of most words, or in that which has such a head.
    """
    tables = [each for each in census.layers if each.kind == EMBEDDING and "V" in _of(each)]
    words = {_of(table)["V"] for table in tables}
    heads = [each for each in census.layers if each.kind == LINEAR and _of(each)["o"] in words]
    heads = [each for each in heads if each.times == 1]
    vocabulary = _of(heads[-1])["o"] if heads else max(words, default=0)
    products = sum(layer.macs for layer in census.layers if layer.kind == ATTENTION)
    return Meanings(
        all=census.params,
        embeddings=sum(table.params for table in tables),
        head=sum(head.params for head in heads),
        tied_head=sum(_of(e)["i"] * _of(e)["o"] for e in heads if "i" not in e.form.params),
        idle=_idle(census),
        tokens=sum(_looked_up(each) for each in tables if _of(each)["V"] == vocabulary) or None,
        weighted=census.macs - products,
        unweighted=products,
    )


def _of(layer: Counted) -> dict[str, int]:
    return dict(layer.form.symbols)


def _looked_up(table: Counted) -> int:
    return table.outputs * table.times // _of(table)["d"]


def _idle(census: Census) -> int | None:
    """Return the parameters of experts that one token does not meet."""
    idle = Fraction(0)
    for router, layer in _mixtures(census):
        if router is None:
            return None
        chosen = Fraction(_of(layer)["n"], _of(router)["n"])
        idle += layer.params * (1 - chosen / _of(layer)["E"])
    return int(idle)


def _mixtures(census: Census) -> Iterator[tuple[Counted | None, Counted]]:
    """Yield each mixture of experts with the router before it, which sends tokens to it."""
    before: Counted | None = None
    for layer in census.layers:
        if layer.kind == EXPERTS:
            routes = before is not None and before.form.symbols.get("o") == _of(layer)["E"]
            yield (before if routes else None), layer
        before = layer
