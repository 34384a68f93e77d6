"""How far back along a sequence attention with a memory reaches."""


def with_memory(layers: int, memory: int, *, segment: int | None = None) -> int:
    """Return how many tokens before itself a segment's first one depends on (Dai et al. 2019).

    N M tokens where segments divide the memory. Otherwise a remembered state brings along what
    its own segment saw, and `segment`, the tokens per segment, makes the number exact.

    >>> with_memory(12, 150)
    1800
    """
    segment = memory if segment is None else segment
    before = 0
    for _ in range(layers):
        # The oldest state so far sees as far as the start of its own segment, and the memory there.
        before = -(-before // segment) * segment + memory
    return before
