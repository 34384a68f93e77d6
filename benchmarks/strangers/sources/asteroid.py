"""asteroid: separation of sounds."""

from __future__ import annotations

from collections.abc import Iterator

from asteroid import models

from benchmarks.strangers.stranger import Stranger, noise, of


def networks() -> Iterator[Stranger]:
    sound = (noise(1, 4000),)
    yield of("ConvTasNet", lambda: models.ConvTasNet(2, n_blocks=2, n_repeats=1), *sound)
    yield of("DPRNNTasNet", lambda: models.DPRNNTasNet(2, n_repeats=1, hid_size=16), *sound)
    yield of("DPTNet", lambda: models.DPTNet(2, n_repeats=1, ff_hid=16), *sound)
    yield of("SuDORMRFNet", lambda: models.SuDORMRFNet(2, num_blocks=2), *sound)
    yield of("LSTMTasNet", lambda: models.LSTMTasNet(2, hid_size=32), *sound)
    yield of("DeMask", models.DeMask, *sound)
    yield of("DCUNet", lambda: models.DCUNet("DCUNet-10", fix_length_mode="pad"), *sound)
    yield of("SuDORMRFImprovedNet", lambda: models.SuDORMRFImprovedNet(2, num_blocks=2), *sound)
    yield of("FasNetTAC", lambda: models.FasNetTAC(2, n_layers=1, hidden_dim=16), noise(1, 2, 4000))
