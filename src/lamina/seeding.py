"""`random_state` -> streams of random numbers; the global generators are left alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def seed_from(random_state: int | np.random.RandomState | None) -> int:
    """A seed for this call. A RandomState advances, as everywhere in scikit-learn.

    None draws from the operating system and not from numpy's global generator.
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    return int(random_state)


def spawn(seed: int, n: int) -> list[int]:
    """`n` independent seeds from one."""
    return [int(s) for s in np.random.SeedSequence(seed).generate_state(n)]


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Torch's global generators start from `seed` inside, and are as before after.

    That of the host, and if it is a GPU, that of the device.
    """
    devices = []
    if device.type == "cuda":
        torch.cuda.init()
        devices = [torch.cuda.current_device()]
    with torch.random.fork_rng(devices=devices):
        # `torch.manual_seed` would also seed whichever GPU is first used later on.
        torch.default_generator.manual_seed(seed)
        if devices:
            torch.cuda.manual_seed(seed)
        yield
