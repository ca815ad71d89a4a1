"""What tests of several modules need."""

import pytest
import torch


@pytest.fixture
def two_threads():
    """Torch computes on two threads, also where the tests are run on one each."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)
