"""Files from strangers: refused by name, or read."""

import os
import subprocess

import numpy as np
import pytest

from lamina import CNNClassifier
from lamina.exceptions import DataError
from lamina.testing.hostile_files import KINDS, SUFFIXES
from lamina.testing.hostile_images import valid_image
from lamina.testing.hostile_sounds import valid_sound

VALID = {"image": valid_image, "audio": valid_sound}
SLOW = {"compressed bomb", "large PNG", "large WAV", "low rate"}
CASES = [(form, kind) for form in KINDS for kind in KINDS[form] if kind not in SLOW]


@pytest.fixture(scope="module", params=KINDS)
def fitted(request, tmp_path_factory):
    """A form of data, valid files and a network that was fitted on them."""
    form, folder = request.param, tmp_path_factory.mktemp(request.param)
    paths = [folder / f"{i}{SUFFIXES[form]}" for i in range(4)]
    for i, path in enumerate(paths):
        path.write_bytes(VALID[form](np.random.default_rng(i)))
    params = {"image_size": 8} if form == "image" else {}
    network = CNNClassifier(
        form=form, n_filters=2, max_iter=1, random_state=0, **params
    )
    return form, paths, network.fit(paths, [*"abab"])


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices are of Unix")
def test_hostile_files_are_refused_by_name_or_read(fitted, tmp_path, monkeypatch):
    def start(*_, **__):
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess.Popen, "__init__", start)
    form, paths, network = fitted
    rng = np.random.default_rng(0)
    for i, kind in enumerate([k for f, k in CASES if f == form] * 3):
        path = tmp_path / f"{i}{SUFFIXES[form]}"
        truth = KINDS[form][kind](path, rng).truth
        try:
            p = network.predict_proba([paths[0], path])
        except DataError as error:
            assert str(error).startswith(f"Sample 1 ({str(path)!r})"), kind
            continue
        assert np.isfinite(p).all(), kind
        if truth is not None:  # what is cut is after the samples
            np.testing.assert_allclose(p[1], network.predict_proba([truth])[0], 1e-6)
