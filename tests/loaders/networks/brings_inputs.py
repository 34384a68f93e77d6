"""Networks that bring their inputs along, and what holds networks without being one."""

import torch
from torch import Tensor, nn


class Autoencoder(nn.Module):
    """Three methods that may be called; decoding calls forward's own parts."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.down = nn.Linear(width, 4)
        self.up = nn.Linear(4, width)

    def encode(self, x: Tensor, *, scale: float = 1.0) -> Tensor:
        return self.down(x) * scale

    def forward(self, x: Tensor) -> Tensor:
        return self.up(self.encode(x))

    def generate(self, x: Tensor, steps: int) -> Tensor:
        for _ in range(steps):
            x = self(x)
        return x


class Scaled(nn.Module):
    """Needs a number, a word and a dictionary beside its tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 2)

    def forward(self, x: Tensor, t: float, mode: str, options: dict[str, float]) -> Tensor:
        assert mode == "sum"
        return self.linear(x * t).sum(-1) * options["gain"]


class Lightning(nn.Linear):
    """Says by an attribute what it may be called with, as LightningModules do."""

    def __init__(self) -> None:
        super().__init__(6, 5)
        self.example_input_array = torch.zeros(3, 6)


class Own(nn.Linear):
    """Says by a method what it may be called with."""

    def __init__(self) -> None:
        super().__init__(6, 5)

    def archscope_inputs(self) -> Tensor:
        return torch.zeros(7, self.in_features)


class Trainer:
    """Holds one network and a loss."""

    def __init__(self, width: int = 8) -> None:
        self.network = Autoencoder(width)
        self.loss = nn.MSELoss()


class Pipeline:
    """Holds two networks."""

    def __init__(self) -> None:
        self.unet = nn.Linear(4, 4)
        self.vae = nn.Linear(4, 2)


trainer = Trainer()


def pipeline() -> Pipeline:
    return Pipeline()


def tensor() -> Tensor:
    return torch.zeros(3, 8)


def arguments() -> tuple[Tensor, int]:
    return torch.zeros(3, 8), 2


def keywords() -> dict[str, object]:
    return {"x": torch.zeros(3, 8), "steps": 2}


def both() -> tuple[tuple[Tensor], dict[str, object]]:
    return (torch.zeros(3, 8),), {"steps": 2}


def nothing() -> None:
    return None


def raises() -> Tensor:
    raise ValueError("no data here")
