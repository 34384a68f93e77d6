"""What `import archscope` offers is what it says it offers."""

from __future__ import annotations

import pytest

import archscope


def test_every_public_name_can_be_had_and_no_other() -> None:
    for name in archscope.__all__:
        assert getattr(archscope, name) is not None

    assert archscope.__all__ == sorted(archscope.__all__)
    assert set(archscope.__all__) <= set(dir(archscope))
    with pytest.raises(AttributeError, match="no attribute 'parms'"):
        archscope.parms  # noqa: B018
