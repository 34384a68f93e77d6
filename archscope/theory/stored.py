"""How numbers are stored: bytes of plain types, and of those that share scales in blocks."""

from __future__ import annotations

from archscope.errors import UsageError
from archscope.records import frozen

_GGML = "ggml-org/llama.cpp, ggml/src/ggml-common.h"
_VLLM = "vllm-project/vllm, vllm/v1/kv_cache_interface.py"


@frozen
class Stored:
    """One number type."""

    word: str
    """What a user types, e.g. `q8_0`."""
    elements: int
    """Elements of a block that shares its scales; 1: each stands by itself."""
    bytes: int
    """Bytes of a block, scales included."""
    scale: int = 0
    """Bytes of a scale for each vector of a head, beside its elements."""
    told: str = ""
    """What is in a block, or beside the elements."""
    source: str = ""
    """Where that is said."""

    @property
    def bits(self) -> float:
        """Bits of an element, scales of blocks included, those of vectors not."""
        return 8 * self.bytes / self.elements

    def of(self, elements: int, vectors: int = 0) -> int:
        """Return the bytes of so many elements in so many vectors; whole blocks, rounded up."""
        return -(-elements // self.elements) * self.bytes + vectors * self.scale


def _block(word: str, elements: int, size: int, told: str) -> Stored:
    return Stored(word=word, elements=elements, bytes=size, told=told, source=_GGML)


_BLOCKS = (
    _block("q8_0", 32, 34, "32 of 8 bits and a scale of 16"),
    _block("q5_1", 32, 24, "32 of 5 bits, a scale and a least value of 16 each"),
    _block("q5_0", 32, 22, "32 of 5 bits and a scale of 16"),
    _block("q4_1", 32, 20, "32 of 4 bits, a scale and a least value of 16 each"),
    _block("q4_0", 32, 18, "32 of 4 bits and a scale of 16"),
    _block("iq4_nl", 32, 18, "32 of 4 bits and a scale of 16"),
)
_PLAIN = (
    Stored(word="bf16", elements=1, bytes=2),
    Stored(word="fp16", elements=1, bytes=2),
    Stored(word="fp32", elements=1, bytes=4),
    Stored(word="fp8", elements=1, bytes=1, told="a scale for each tensor", source=_VLLM),
)
KV_TYPES: tuple[Stored, ...] = (
    *_PLAIN,
    Stored(
        word="int8",
        elements=1,
        bytes=1,
        scale=4,
        told="a scale of 32 bits for each head and position",
        source=f"{_VLLM}, int8_per_token_head",
    ),
    *_BLOCKS,
)
"""What keys and values are kept in, the usual one first."""
WEIGHT_TYPES: tuple[Stored, ...] = (
    *_PLAIN,
    Stored(word="int8", elements=1, bytes=1, told="scales of rows are left out"),
    *_BLOCKS[:1],
    _block("q6_k", 256, 210, "256 of 6 bits, 16 scales of 8 and one of 16"),
    _block("q5_k", 256, 176, "256 of 5 bits, scales and least values of 6 each, two of 16"),
    _block("q4_k", 256, 144, "256 of 4 bits, scales and least values of 6 each, two of 16"),
    *_BLOCKS[4:5],
)
"""What weights are kept in, the usual one first."""


def named(word: str, types: tuple[Stored, ...]) -> Stored:
    """Return the type of a name; raises `UsageError` with all names."""
    found = next((each for each in types if each.word == word), None)
    if found is None:
        raise UsageError(f"no number type {word!r}; there are {', '.join(t.word for t in types)}")
    return found
