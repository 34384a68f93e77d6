"""What torch's own encoder layer keeps on a card where no kernel is fused, as measured."""

from __future__ import annotations

from fractions import Fraction


def encoder_layer_activations(
    *, length: int, batch: int, width: int, heads: int, hidden: int, dropout: bool = False
) -> Fraction:
    """Return the bytes that `nn.TransformerEncoderLayer` keeps for its backward, in 16 bits.

    Norms behind, ReLU, torch's `math` attention. Without dropout s b h (22 + 2 r + 4 a s / h) + 16
    s b, with it s b h (24 + 5 r + 9 a s / h) + 16 s b, r = f / h: measured with torch 2.15 by
    `saved_tensors_hooks` on 8 shapes. Its kernels keep scaled copies of queries and keys, and
    scores twice; other versions keep something else, which `archscope memory` sees.

    >>> int(encoder_layer_activations(length=512, batch=2, width=1024, heads=16, hidden=4096))
    65028096
    """
    ratio, scores = Fraction(hidden, width), Fraction(heads * length, width)
    each = 24 + 5 * ratio + 9 * scores if dropout else 22 + 2 * ratio + 4 * scores
    return length * batch * width * each + 16 * length * batch
