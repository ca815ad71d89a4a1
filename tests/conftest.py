"""Fixtures of several test modules."""

import shutil
from pathlib import Path

import pytest
import torch


@pytest.fixture
def two_threads():
    """Torch computes on two threads, also where each test worker has one."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


# Of a module: the event loop of playwright runs as long as the browser, in this thread.
@pytest.fixture(scope="module")
def browser():
    """A Chromium without a window, whose microphone gives a test signal."""
    playwright = pytest.importorskip("playwright.sync_api")
    names = ("chromium", "chromium-browser", "google-chrome")
    installed = next(filter(None, map(shutil.which, names)), None)
    with playwright.sync_playwright() as driver:
        path = installed or driver.chromium.executable_path
        if not Path(path).is_file():
            pytest.skip("no browser: run `playwright install chromium`")
        browser = driver.chromium.launch(
            executable_path=path,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
            ],
        )
        yield browser
        browser.close()
