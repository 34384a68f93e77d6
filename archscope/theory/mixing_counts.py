"""Closed forms of token mixers: attention, recurrences and scans.

Like those of `counts`: the parameters, and the multiply-accumulates of one forward pass.
"""

from __future__ import annotations

from archscope.theory.counts import ClosedForm


def attention(
    *, batch: int, heads: int, queries: int, keys: int, key_width: int, value_width: int
) -> ClosedForm:
    """softmax(q k') v for every head; `keys` are those that each query meets."""
    return ClosedForm(
        params="0",
        macs="B*H*L*S*(d + e)",
        symbols={
            "B": batch,
            "H": heads,
            "L": queries,
            "S": keys,
            "d": key_width,
            "e": value_width,
        },
    )


def attention_projections(
    *, width: int, heads: int, key_heads: int, head_width: int, layers: int = 1
) -> int:
    """Return the parameters of attention's four projections without biases: 2 d H w + 2 d K w.

    K key heads are as many as query heads, one (Shazeer 2019) or a few (Ainslie et al. 2023).
    """
    return layers * 2 * width * head_width * (heads + key_heads)


def multihead_attention(
    *, batch: int, queries: int, keys: int, width: int, bias: bool, added: int = 0
) -> ClosedForm:
    """torch's MultiheadAttention without its output projection, which is a layer of its own.

    `added` keys are met by every query but made by no projection. The number of heads changes
    nothing (Vaswani et al. 2017, section 3.2.2).
    """
    return ClosedForm(
        params="3*E*E + 3*E" if bias else "3*E*E",
        macs="B*(L + 2*S)*E*E + 2*B*L*" + ("(S + a)*E" if added else "S*E"),
        symbols={"B": batch, "L": queries, "S": keys, "E": width, "a": added},
    )


def window_covers(length: int, *, window: int, dilation: int, causal: bool) -> bool:
    """Return whether a window holds every key that any of so many queries may see.

    Such attention is full attention, and costs what that does.
    """
    return dilation == 1 and window >= (length if causal else 2 * length - 1)


def in_chunks(length: int, chunk: int) -> tuple[int, int]:
    """Return how many queries there are in whole chunks, and how many keys each of them meets.

    >>> in_chunks(2048, 8192), in_chunks(10_000, 8192)
    ((2048, 2048), (16384, 8192))
    """
    if length <= chunk:
        return length, length
    return -(-length // chunk) * chunk, chunk


def linear_attention(
    *,
    batch: int,
    heads: int,
    groups: int,
    queries: int,
    keys: int,
    key_width: int,
    value_width: int,
    causal: bool,
) -> ClosedForm:
    """Katharopoulos et al. 2020, equations 4 to 9, with `groups` key heads.

    Keys meet values, queries the matrices and sums. Where it is causal, queries meet the keys of
    their own chunk too, one for each feature of a key.
    """
    symbols = {"B": batch, "H": heads, "K": groups, "d": key_width, "e": value_width}
    if not causal:
        macs = "B*K*S*d*e + B*H*L*d*(e + 1)"
        return ClosedForm(params="0", macs=macs, symbols=symbols | {"L": queries, "S": keys})
    chunk = min(key_width, queries)
    return ClosedForm(
        params="0",
        macs="B*K*L*d*e + B*H*L*d*(e + 1) + B*H*L*C*(d + e)",
        symbols=symbols | {"L": -(-queries // chunk) * chunk, "C": chunk},
    )


def relative_attention(
    *,
    batch: int,
    heads: int,
    queries: int,
    keys: int,
    distances: int,
    width: int,
    segments: bool = False,
    asked: bool = False,
) -> ClosedForm:
    """Dai et al. 2019, section 3.3: each query meets every key twice and every distance once.

    With `segments` there are vectors for them too (Yang et al. 2019, section 2.5), which each query
    meets where it is `asked` whether a key is of its own.
    """
    third = " + 2" if segments and asked else ""
    return ClosedForm(
        params="5*H*d" if segments else "2*H*d",
        macs=f"B*H*L*(2*S + P{third})*d",
        symbols={"B": batch, "H": heads, "L": queries, "S": keys, "P": distances, "d": width},
    )


def recurrent(
    *,
    rows: int,
    inputs: int,
    hidden: int,
    gates: int,
    layers: int,
    directions: int,
    bias: bool,
) -> ClosedForm:
    """LSTM (4 gates), GRU (3) or plain (1) recurrence over `rows` = batch x steps."""
    first = "g*h*(i + h)"
    later = "g*h*(D*h + h)"
    weights = f"D*({first} + (N - 1)*{later})"
    return ClosedForm(
        params=f"{weights} + 2*D*N*g*h" if bias else weights,
        macs=f"n*{weights}",
        symbols={
            "n": rows,
            "i": inputs,
            "h": hidden,
            "g": gates,
            "N": layers,
            "D": directions,
        },
    )


def selective_scan(*, rows: int, inner: int, state: int) -> ClosedForm:
    """Gu & Dao 2023, algorithm 2: each of `rows` positions reads its state of every feature."""
    return ClosedForm(params="i*s + i", macs="n*i*s", symbols={"n": rows, "i": inner, "s": state})


def rank_of_steps(width: int) -> int:
    """Return the rank of the steps of a selective scan (Gu & Dao 2023, section 3.6).

    >>> rank_of_steps(768), rank_of_steps(100)
    (48, 7)
    """
    return -(-width // 16)


def dual_scan(
    *, batch: int, length: int, heads: int, width: int, state: int, chunk: int, groups: int = 1
) -> ClosedForm:
    """Dao & Gu 2024, listing 1: positions of a chunk meet each other; states are made, and read.

    Positions of a chunk meet once for each of the `groups` of heads that write and read alike.
    """
    chunk = min(chunk, length)
    met = "G*N" if groups > 1 else "N"
    return ClosedForm(
        params="3*H",
        macs=f"B*L*Q*({met} + H*P) + 2*B*L*H*N*P",
        symbols={
            "G": groups,
            "B": batch,
            "L": -(-length // chunk) * chunk,
            "Q": chunk,
            "H": heads,
            "P": width,
            "N": state,
        },
    )


def delta_chunk(length: int) -> int:
    """Return the positions of a chunk of the delta rule: 64, of less than those a power of two.

    >>> delta_chunk(2048), delta_chunk(9), delta_chunk(1)
    (64, 16, 1)
    """
    return min(64, 1 << (length - 1).bit_length())


def gated_delta(
    *, batch: int, heads: int, length: int, key_width: int, value_width: int
) -> ClosedForm:
    """Yang et al. 2024, Gated Delta Networks, section 3.3, with a fading and a bias for each head.

    In each chunk keys and queries meet its keys, of which a triangle is inverted by halves, and
    what they make meets the values; in all chunks but the first the state is made, read, and
    erased from.
    """
    chunk = delta_chunk(length)
    within = "L//C*(C*(C*C - 1)//3) + 2*L*C*(d + e)"
    return ClosedForm(
        params="2*H",
        macs=f"B*H*({within} + (L - C)*(C*d + 3*d*e))",
        symbols={
            "B": batch,
            "H": heads,
            "L": -(-length // chunk) * chunk,
            "C": chunk,
            "d": key_width,
            "e": value_width,
        },
    )


def lightning_chunk(length: int) -> int:
    """Return the positions of a chunk of lightning attention (Qin et al. 2024, section 4)."""
    return min(256, length)


def lightning_attention(*, batch: int, heads: int, length: int, width: int) -> ClosedForm:
    """Qin et al. 2024, Lightning Attention-2, section 3.2: chunks meet in themselves; states are
    made, and read."""
    chunk = lightning_chunk(length)
    return ClosedForm(
        params="0",
        macs="2*B*H*L*(C*d + d*d)",
        symbols={
            "B": batch,
            "H": heads,
            "L": -(-length // chunk) * chunk,
            "C": chunk,
            "d": width,
        },
    )


def sliding_chunks(
    *, batch: int, heads: int, length: int, one_sided: int, width: int, global_tokens: int
) -> ClosedForm:
    """Beltagy et al. 2020, section 3.1, in whole blocks of `one_sided` tokens.

    Scores of all pairs of neighbouring blocks, values of all triples, and both of the first tokens
    that all see.
    """
    few = " + 2*n*w*G" if global_tokens else ""
    return ClosedForm(
        params="0",
        macs=f"B*H*((n - 1)*4*w*w + n*3*w*w{few})*d",
        symbols={
            "B": batch,
            "H": heads,
            "n": length // one_sided,
            "w": one_sided,
            "G": global_tokens,
            "d": width,
        },
    )


def hashing(
    *, batch: int, heads: int, hashes: int, length: int, width: int, directions: int
) -> ClosedForm:
    """Kitaev et al. 2020, section 2: each vector meets each direction of a hash."""
    return ClosedForm(
        params="0",
        macs="B*H*h*S*d*R",
        symbols={
            "B": batch,
            "H": heads,
            "h": hashes,
            "S": length,
            "d": width,
            "R": directions,
        },
    )


def chunks(*, batch: int, heads: int, length: int, size: int, width: int) -> ClosedForm:
    """Kitaev et al. 2020, section 2: a query meets two chunks, its own and the one before."""
    keys = length if length <= size else 2 * size
    return ClosedForm(
        params="0",
        macs="B*H*L*2*K*d",
        symbols={"B": batch, "H": heads, "L": length, "K": keys, "d": width},
    )


def axial_bias(*, batch: int, heads: int, queries: int, side: int, width: int) -> ClosedForm:
    """Li et al. 2022, MViTv2, equation 4: a query meets an offset to each row and each column.

    Over heads of one feature torch sums nothing up: that is elementwise, and counted as such.
    """
    return ClosedForm(
        params="2*(2*w - 1)*d",
        macs="2*b*h*q*w*d" if width > 1 else "0",
        symbols={"b": batch, "h": heads, "q": queries, "w": side, "d": width},
    )
