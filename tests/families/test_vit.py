"""Vision Transformers on real tensors."""

from __future__ import annotations

import torch

from archscope.families.vit import FAMILY
from archscope.families.vit.spec import VitSpec

SMALL = VitSpec(depth=1, d_model=8, heads=2, d_ff=6, patch_size=4, input_size=14, classes=3)


def test_it_reads_every_patch_and_nothing_between_the_last_patch_and_the_border() -> None:
    torch.manual_seed(0)
    network = FAMILY.network(SMALL).double()
    (image,) = FAMILY.inputs(SMALL).args
    image = image.double()
    before = network(image)
    assert before.shape == (1, 3)
    for row in range(14):
        changed = image.clone()
        changed[:, :, row, 5] += 1
        # 14 = 3 patches of 4, and 2 rows that no patch covers
        assert torch.equal(network(changed), before) == (row >= 12)


def test_patches_have_places() -> None:
    torch.manual_seed(0)
    network = FAMILY.network(SMALL).double()
    image = torch.randn(1, 3, 14, 14).double()
    mirrored = torch.cat((image[:, :, 4:8], image[:, :, :4], image[:, :, 8:]), 2)
    assert not torch.allclose(network(image), network(mirrored))
    torch.nn.init.zeros_(network.pos_emb.weight)
    torch.testing.assert_close(network(image), network(mirrored))
