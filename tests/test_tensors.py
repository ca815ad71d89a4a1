"""Networks that start from a module of torch, from its tensors and from files of them."""

import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.base import clone
from torch import nn

import lamina
from lamina import CNNClassifier, DNNClassifier, RNNClassifier
from lamina.exceptions import ParameterError
from lamina.testing.fitting import RaiseInEpoch
from lamina.testing.state import InjectedError

X = np.random.default_rng(0).normal(size=(40, 3)).astype("f4")
Y = (X[:, 0] > 0).astype(int)
PARAMS = {
    "hidden_layer_sizes": 5,
    "n_members": 1,
    "numeric_embedding": "none",
    "max_iter": 2,
    "random_state": 0,
}
STILL = {"learning_rate_init": 1e-30}


class Encoder(nn.Module):
    """A module of plain torch with the names of the body."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleDict({"linears": nn.ModuleList([nn.Linear(3, 5)])})


class Whole(nn.Module):
    """A body beside a head, as in a whole network."""

    def __init__(self):
        super().__init__()
        self.body, self.head = Encoder(), nn.Linear(5, 2)


@pytest.fixture
def encoder():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Encoder()


def sources(encoder, folder):
    """The same tensors in all forms that are taken."""
    state = encoder.state_dict()
    whole = Whole()
    whole.body.load_state_dict(state)
    torch.save(state, folder / "a.pt")
    torch.save(dict(encoder.named_parameters()), folder / "parameters.pt")
    torch.save(whole.state_dict(), folder / "whole.pth")
    torch.save(state, folder / "old.bin", _use_new_zipfile_serialization=False)
    save_file(state, folder / "a.safetensors")
    save_file(whole.state_dict(), folder / "no_suffix", {"format": "pt"})
    files = [path for path in folder.iterdir() if path.is_file()]
    return [
        encoder,
        whole,
        state,
        dict(state),
        dict(encoder.named_parameters()),
        *files,
    ]


def test_the_body_starts_from_the_tensors_in_every_form(encoder, tmp_path):
    given = sources(encoder, tmp_path)
    assert len(given) == 11
    for source in [*given, str(tmp_path / "a.pt")]:
        network = DNNClassifier(**PARAMS, start_from=source, freeze_body=True)
        body = network.fit(X, Y).network_.body
        assert not any(p.requires_grad for p in body.parameters())
        for name, tensor in encoder.state_dict().items():
            assert torch.equal(body.state_dict()[name], tensor)


def test_a_layer_of_torch_and_the_features_of_the_network_are_the_same(encoder):
    network = DNNClassifier(**PARAMS, start_from=encoder, freeze_body=True).fit(X, Y)
    scaled = (X - X.mean(0)) / X.std(0)
    with torch.no_grad():
        expected = encoder.layers["linears"][0](torch.tensor(scaled)).relu()
    np.testing.assert_allclose(network.transform(X), expected, atol=1e-4)


def test_the_module_is_not_changed_and_training_changes_a_copy(encoder):
    before = {name: t.clone() for name, t in encoder.state_dict().items()}
    network = DNNClassifier(**PARAMS, start_from=encoder).fit(X, Y)
    after = network.network_.body.state_dict()
    assert not any(torch.equal(before[name], after[name]) for name in before)
    for name, tensor in encoder.state_dict().items():
        assert torch.equal(before[name], tensor)
    still = clone(network).set_params(**STILL).fit(X, Y)
    # The rest is drawn as without a start.
    new = DNNClassifier(**PARAMS, **STILL).fit(X, Y)
    heads = [n.network_.head.state_dict().values() for n in (still, new)]
    for ours, theirs in zip(*heads, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-20, rtol=0)


def test_the_body_of_any_network_is_a_start(tmp_path):
    texts = ["a rose is", "no rose", "a tulip", "no tulip is"] * 5
    for network, data in (
        (RNNClassifier(hidden_size=4, n_layers=1, max_iter=1, random_state=0), texts),
        (
            CNNClassifier(n_filters=4, max_iter=1, random_state=0),
            np.ones((20, 8, 8, 1)),
        ),
    ):
        first = clone(network).fit(data, np.arange(20) % 2)
        torch.save(first.network_.state_dict(), tmp_path / "network.pt")
        params = {"start_from": tmp_path / "network.pt", "freeze_body": True}
        second = clone(network).set_params(**params).fit(data, np.arange(20) % 3)
        after = second.network_.body.state_dict()
        for name, tensor in first.network_.body.state_dict().items():
            assert torch.equal(after[name], tensor)


def test_other_types_of_numbers_are_converted(encoder):
    for dtype in (torch.float64, torch.bfloat16):
        state = {n: t.to(dtype) for n, t in encoder.state_dict().items()}
        params = {**PARAMS, "start_from": state, "freeze_body": True}
        body = DNNClassifier(**params).fit(X, Y).network_.body
        for name, tensor in body.state_dict().items():
            assert torch.equal(tensor, state[name].float())


class Exploit:
    """An object that runs code where a pickle is loaded without care."""

    def __reduce__(self):
        return Path.touch, (Path("exploited"),)


def save_pickle(value, path):
    path.write_bytes(pickle.dumps(value))


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (torch.save, "has more than tensors.*state_dict"),
        (lambda _, p: torch.save({"a": Exploit()}, p), "has more than tensors"),
        (lambda _, p: save_pickle(Exploit(), p), "has more than tensors"),
        (
            lambda e, p: torch.save({"epoch": 3, "state_dict": e.state_dict()}, p),
            "has a dict of .'epoch', 'state_dict'.*not a dict of tensors",
        ),
        (
            lambda _, p: torch.save(torch.ones(3), p),
            "has a Tensor, which is not a dict",
        ),
        (lambda _, p: torch.save({}, p), "has a dict, which is not a dict of tensors"),
        (lambda _, p: p.write_bytes(b"PK\x03\x04" + bytes(50)), "is damaged"),
        (lambda _, p: p.write_bytes(b"\x80\x02" + bytes(50)), "is damaged"),
        (lambda _, p: p.mkdir(), "not a regular file"),
    ],
)
def test_a_file_of_anything_else_is_refused_and_runs_no_code(
    write, message, encoder, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    write(encoder, tmp_path / "a.pt")
    with pytest.raises(ParameterError, match=rf"(?s)a\.pt.*{message}"):
        DNNClassifier(**PARAMS, start_from="a.pt").fit(X, Y)
    assert not Path("exploited").exists()


def test_a_cut_file_is_refused(encoder, tmp_path):
    torch.save(encoder.state_dict(), tmp_path / "a.pt")
    save_file(encoder.state_dict(), tmp_path / "a.safetensors")
    for path in list(tmp_path.iterdir()):
        whole = path.read_bytes()
        for n_bytes in range(0, len(whole) - 1, len(whole) // 20):
            path.write_bytes(whole[:n_bytes])
            with pytest.raises(ValueError, match=path.name):
                DNNClassifier(**PARAMS, start_from=path).fit(X, Y)


def test_what_the_body_lacks_or_needs_is_named(encoder):
    state = encoder.state_dict()
    weight, bias = "layers.linears.0.weight", "layers.linears.0.bias"

    def refused(source, message):
        with pytest.raises(ParameterError, match=message):
            DNNClassifier(**PARAMS, start_from=source).fit(X, Y)

    both = r"0\.weight \(5, 3\), layers\.linears\.0\.bias \(5,\), 2 of 2"
    refused(nn.Linear(3, 5), rf"{both}, and there are weight \(5, 3\), bias \(5,\)")
    refused({weight: state[weight]}, r"needs layers.linears.0.bias \(5,\), 1 of 2")
    refused(state | {weight: torch.ones(5, 4)}, r"needs .*\(5, 3\), 1 .*\(5, 4\)")
    refused(state | {"body.other": torch.ones(1)}, "2 of 2, and there are other")
    refused(
        state | {bias: torch.full((5,), torch.nan)}, "bias' has values that are NaN"
    )
    refused(state | {bias: torch.full((5,), 1e300, dtype=torch.double)}, "too large")
    refused(state | {bias: torch.ones(5) * 1j}, "is a torch.complex64")
    refused(state | {bias: torch.ones(5, device="meta")}, "on meta")
    refused(state | {bias: torch.ones(5).to_sparse()}, "layout torch.sparse")
    refused(nn.ReLU(), "2 of 2, and there are none")
    with warnings.catch_warnings(action="ignore"):  # later versions of torch warn
        small = torch.quantize_per_tensor(torch.ones(5), 0.1, 0, torch.qint8)
    refused(state | {bias: small}, "is a torch.qint8")
    refused({bias: [1.0] * 5}, "'start_from' of DNNClassifier must be")
    refused({}, "'start_from' of DNNClassifier must be")


def test_a_network_is_saved_with_its_start(encoder, tmp_path):
    for source in (encoder, encoder.state_dict(), dict(encoder.named_parameters())):
        params = {**PARAMS, "start_from": source, "freeze_body": True}
        network = DNNClassifier(**params).fit(X, Y)
        network.save(tmp_path / "a.lamina")
        for again in (
            lamina.load(tmp_path / "a.lamina"),
            pickle.loads(pickle.dumps(network)),
        ):
            np.testing.assert_array_equal(again.predict(X), network.predict(X))
            refit = clone(again).fit(X, Y)
            np.testing.assert_array_equal(refit.predict(X), network.predict(X))
            again.partial_fit(X, Y)


def test_a_checkpoint_is_of_the_same_tensors(encoder, tmp_path):
    saving = {"checkpoint": str(tmp_path / "fit"), "checkpoint_every": "1 epoch"}
    params = {**PARAMS, "max_iter": 4, "start_from": encoder}
    failing = DNNClassifier(**params, **saving)
    with pytest.raises(InjectedError):
        failing.set_callbacks(RaiseInEpoch(InjectedError, 3)).fit(X, Y)
    other = {n: t + 1 for n, t in encoder.state_dict().items()}
    with pytest.raises(ParameterError, match="is of a fit with start_from"):
        DNNClassifier(**{**params, "start_from": other}, **saving).fit(X, Y)
    resumed = DNNClassifier(**params, **saving).fit(X, Y)
    whole = DNNClassifier(**params).fit(X, Y)
    np.testing.assert_array_equal(resumed.predict_proba(X), whole.predict_proba(X))
