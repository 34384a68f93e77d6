"""Reformer: decoders with local and hashed attention, reversible blocks, axial positions."""

from __future__ import annotations

from math import lcm, prod

from archscope.blocks.checks import check_even
from archscope.blocks.plan import Numbered, numbered
from archscope.errors import SpecError
from archscope.records import frozen
from archscope.specs import check, listed, option

HASHED, LOCAL = "hashed", "local"
"""The two kinds of blocks, by their attention."""


@frozen
class ReformerSpec:
    """The shape of a Reformer; the default has the widths of enwik8's, 4 blocks and 256 tokens."""

    depth: int = option(4, "number of blocks", low=1, high=10_000)
    hashed: tuple[int, ...] = option(
        (0, 0, 1, 0),
        "attention of each block, repeated as a pattern: 0 local, 1 hashed",
        low=0,
        high=1,
    )
    d_model: int = option(1024, "width of the model, in features", low=1, high=2**20)
    heads: int = option(8, "number of heads", low=1, high=2**16)
    head_dim: int = option(128, "width of one head, in features", low=1, high=2**16)
    d_ff: int = option(4096, "hidden width of a feed-forward layer", low=1, high=2**24)
    ff_chunk: int = option(
        0, "tokens that a feed-forward layer processes at once; 0: all", low=0, high=2**24
    )
    local_chunk: int = option(
        64,
        "chunk size of local attention, in tokens; it also sees the previous chunk",
        low=1,
        high=2**20,
    )
    lsh_chunk: int = option(
        64, "chunk size of hashed (LSH) attention, in tokens", low=1, high=2**20
    )
    buckets: tuple[int, ...] = option(
        (512,), "number of buckets of a hash; several numbers are multiplied", low=2, high=2**24
    )
    hashes: int = option(1, "number of hashes per token", low=1, high=2**10)
    axial_shape: tuple[int, ...] = option(
        (128, 512), "rows and columns of the axial position table", low=1, high=2**24
    )
    axial_dims: tuple[int, ...] = option(
        (256, 768),
        "width of a row's and of a column's position embedding, in features; they sum to d_model",
        low=1,
        high=2**20,
    )
    vocab_size: int = option(258, "size of the vocabulary", low=1, high=10**9)
    seq_len: int = option(256, "length of the input, in tokens", low=1, high=2**24)
    batch_size: int = option(1, "number of sequences", low=1, high=2**20)

    def __post_init__(self) -> None:
        check(self)
        for field in ("axial_shape", "axial_dims"):
            numbers = getattr(self, field)
            if len(numbers) != 2:
                raise SpecError(field, listed(numbers), "is not two numbers, e.g. 128,512")
        if sum(self.axial_dims) != self.d_model:
            problem = f"does not add up to {{d_model}} {self.d_model}"
            raise SpecError("axial_dims", listed(self.axial_dims), problem)
        if self.padded_length > prod(self.axial_shape):
            problem = f"is more than the {prod(self.axial_shape)} positions of {{axial_shape}}"
            raise SpecError("seq_len", self.seq_len, problem)
        for factor in self.buckets:
            check_even("buckets", factor, ", but each has an opposite")

    @property
    def padded_length(self) -> int:
        """Tokens of the input after padding to whole chunks, where there is more than one."""
        sizes = {
            self.lsh_chunk if self.is_hashed(n) else self.local_chunk for n in range(self.depth)
        }
        if self.seq_len <= min(sizes):
            return self.seq_len
        whole = lcm(*sizes)
        return -(-self.seq_len // whole) * whole

    def is_hashed(self, block: int) -> bool:
        """Whether a block, counted from 0, has hashed attention."""
        return bool(self.hashed[block % len(self.hashed)])


def blocks(spec: ReformerSpec) -> list[Numbered]:
    """Return the blocks, with local attention or with hashed attention."""
    return numbered("blocks", spec.depth, lambda n: HASHED if spec.is_hashed(n) else LOCAL)


def describe(spec: ReformerSpec) -> list[str]:
    """Return what tells it from others, in words."""
    hashed = sum(map(spec.is_hashed, range(spec.depth)))
    words = ["reformer", f"depth {spec.depth}, {hashed} hashed", f"d_model {spec.d_model}"]
    words += [f"{spec.heads} heads of {spec.head_dim}", f"d_ff {spec.d_ff}"]
    words.append(f"chunks {spec.local_chunk} local, {spec.lsh_chunk} hashed")
    words.append(f"{spec.hashes} hashes of {prod(spec.buckets)} buckets")
    words.append(f"vocab {spec.vocab_size:,}")
    return [*words, f"seq {spec.seq_len}", f"batch {spec.batch_size}"]
