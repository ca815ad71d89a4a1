"""Fixtures of several test modules."""

import pytest
import torch


@pytest.fixture
def two_threads():
    """Torch computes on two threads, also where each test worker has one."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)
