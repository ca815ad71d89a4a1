"""What a body says by its class, with bodies of one's own, and which tasks take it."""

import numpy as np
import pytest
import torch
from torch import nn

from lamina import Forecaster, LanguageModel, RNNClassifier
from lamina.batch import Batch, Features, Spec
from lamina.bodies.convolutional import ConvolutionalBody, ConvolutionalParams
from lamina.bodies.recurrent import RecurrentParams, RNNBody
from lamina.bodies.speech import SpeechBody, SpeechBodyParams
from lamina.codec import CodecParams
from lamina.encoders.audio.encoder import AudioEncoder, AudioParams
from lamina.estimators.speech import Recognizer
from lamina.exceptions import DataError, ParameterError
from lamina.nn.body import Body, CausalBody, RecurrentBody

SERIES = [np.sin(np.arange(60) + i) for i in range(4)]
TEXTS = ["a rose is a rose", "any other name", ""] * 4


class Centred(Body):
    """Each step with the steps beside it."""

    forms = ("series", "text")
    default_steps = 10

    def __init__(self, spec, params):
        super().__init__(spec, params)
        self.width = 4
        self.conv = nn.Conv1d(spec.n_channels, self.width, 3, padding=1)

    def forward(self, batch):
        return Features(self.conv(batch.x.mT).mT, batch.lengths)


class Stepwise(CausalBody):
    """Each step by itself."""

    forms = ("series", "text")
    default_steps = 10

    def __init__(self, spec, params):
        super().__init__(spec, params)
        self.width = 4
        self.linear = nn.Linear(spec.n_channels, self.width)

    def forward(self, batch):
        return Features(self.linear(batch.x), batch.lengths)


class Decay(RecurrentBody):
    """The mean of the embeddings so far, later ones with more weight."""

    forms = ("text",)
    default_steps = 10

    def __init__(self, spec, params):
        super().__init__(spec, params)
        self.width = 6
        self.embed = nn.Embedding(spec.n_tokens, self.width)

    def start(self, n_samples):
        return [(self.embed.weight.new_zeros(1, n_samples, self.width),)]

    def step(self, x, state):
        h = (state[0][0][0] + self.embed(x)) / 2
        return h, [(h[None],)]

    def forward(self, batch):
        state = self.start(len(batch)) if batch.state is None else batch.state
        steps = []
        for x in batch.x.unbind(1):
            h, state = self.step(x, state)
            steps.append(h)
        return Features(torch.stack(steps, 1), batch.lengths, state)


def with_body(estimator, body):
    return type(f"Own{estimator.__name__}", (estimator,), {"body": body})


@pytest.mark.parametrize(
    ("estimator", "X", "body", "needed"),
    [
        (Forecaster, SERIES, Centred, "CausalBody"),
        (Forecaster, SERIES, ConvolutionalBody, "CausalBody"),
        (LanguageModel, TEXTS, Stepwise, "RecurrentBody"),
        (LanguageModel, TEXTS, ConvolutionalBody, "RecurrentBody"),
    ],
)
def test_a_task_refuses_by_name_a_body_that_cannot_do_it(estimator, X, body, needed):
    with pytest.raises(ParameterError, match=rf"{body.__name__} .*{needed}"):
        with_body(estimator, body)(max_iter=1).fit(X)


def test_a_module_that_is_no_body_is_refused():
    class Linear(nn.Linear):
        forms = ("series",)
        default_steps = 10

    with pytest.raises(ParameterError, match=r"Linear .*Body"):
        with_body(RNNClassifier, Linear)().fit(SERIES, [0, 1, 0, 1])


def test_a_causal_body_of_ones_own_forecasts():
    network = with_body(Forecaster, Stepwise)(horizon=3, max_iter=2, random_state=0)
    assert network.fit(SERIES).predict().shape == (4, 3)


def test_a_recurrent_body_of_ones_own_is_a_language_model():
    network = with_body(LanguageModel, Decay)(
        unit="char", window=4, max_iter=2, random_state=0
    )
    network.fit(TEXTS)
    (whole,) = network.score_samples(["a rose"])
    prefixes = ["a rose"[:n] for n in range(7)]
    p = network.predict_proba(prefixes)
    units = [network.vocabulary_.index(unit) for unit in [*"a rose", "<end>"]]
    assert whole == pytest.approx(np.log(p[range(7), units]).sum(), abs=1e-4)
    assert len(network.generate(max_length=5, random_state=0)) <= 5


@pytest.mark.parametrize(
    ("body", "params"),
    [
        (ConvolutionalBody, ConvolutionalParams(n_filters=(4, 4, 4, 4))),
        (ConvolutionalBody, ConvolutionalParams(n_filters=(4,), pooling="average")),
        (ConvolutionalBody, ConvolutionalParams(n_filters=(4, 4), pooling="none")),
        (SpeechBody, SpeechBodyParams(n_filters=3, hidden_size=4, stride=1)),
        (SpeechBody, SpeechBodyParams(n_filters=3, hidden_size=4, stride=4)),
        (RNNBody, RecurrentParams(hidden_size=4)),
    ],
)
def test_a_step_of_the_features_stands_for_as_many_as_the_stride(body, params):
    network = body(Spec(n_channels=2, n_space=1, max_length=41), params).eval()
    lengths = torch.tensor([41, 40, 17, 3, 1])
    features = network(Batch(torch.randn(5, 41, 2), lengths=lengths))
    assert features.lengths.tolist() == [
        -(-n // network.stride) for n in [41, 40, 17, 3, 1]
    ]
    assert features.h.shape[:2] == (5, -(-41 // network.stride))


class ConvolutionalRecognizer(
    Recognizer, ConvolutionalParams, AudioParams, CodecParams
):
    """Speech recognition without recurrent layers."""

    body = ConvolutionalBody
    encoders = {"audio": AudioEncoder}  # noqa: RUF012


def test_speech_is_recognised_by_any_body_that_says_its_stride():
    waves = [np.sin(np.arange(800) * pitch) for pitch in (0.2, 0.9)] * 8
    network = ConvolutionalRecognizer(n_filters=(8, 8), sampling_rate=8000, max_iter=2)
    network.fit(waves, ["a", "b"] * 8)
    (stamps,) = network.timestamps(waves[:1], ["a"])
    assert stamps[0][2] <= 0.1
    with pytest.raises(DataError, match="needs 40 steps"):
        network.fit(waves, ["ab" * 20, "b"] * 8)
