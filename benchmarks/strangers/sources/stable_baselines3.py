"""stable-baselines3: policies."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import gymnasium
import stable_baselines3 as sb3
import torch

from benchmarks.strangers.stranger import Stranger, noise, of


def networks() -> Iterator[Stranger]:
    box = gymnasium.spaces.Box(-1, 1, (6,))
    picture = gymnasium.spaces.Box(0, 255, (3, 64, 64), dtype="uint8")
    two, go = gymnasium.spaces.Discrete(2), gymnasium.spaces.Box(-1, 1, (2,))
    rate = partial(float, 1e-3)
    schedule = lambda _: rate()  # noqa: E731
    yield of("PPO MlpPolicy", lambda: sb3.ppo.MlpPolicy(box, two, schedule), noise(1, 6))
    yield of("PPO Box", lambda: sb3.ppo.MlpPolicy(box, go, schedule), noise(1, 6))
    yield of(
        "A2C CnnPolicy",
        lambda: sb3.a2c.CnnPolicy(picture, two, schedule),
        torch.randint(0, 255, (1, 3, 64, 64)),
    )
    yield of("DQN MlpPolicy", lambda: sb3.dqn.MlpPolicy(box, two, schedule), noise(1, 6))
    yield of("SAC MlpPolicy", lambda: sb3.sac.MlpPolicy(box, go, schedule), noise(1, 6))
    yield of("TD3 MlpPolicy", lambda: sb3.td3.MlpPolicy(box, go, schedule), noise(1, 6))
