"""What users write, for type checkers: basedpyright and mypy read it, and nothing runs it.

A line that has to be an error carries a comment that ignores it, and a comment that ignores
nothing is reported. mypy takes any name for a parameter, as scikit-learn has no types.
"""

from pathlib import Path
from typing import assert_type

import numpy as np

from lamina import (
    CNNClassifier,
    CNNRegressor,
    DNNClassifier,
    DNNRegressor,
    Forecaster,
    ImageCaptioner,
    LanguageModel,
    RNNClassifier,
    RNNRegressor,
    SequenceTagger,
    SpeechRecognizer,
    Translator,
)
from lamina.inspection import AttributionDisplay, HistoryDisplay, explain
from lamina.onnx import Predictor

table = np.zeros((20, 3))
labels = [0, 1] * 10
images = np.zeros((20, 8, 8))
ragged = [np.zeros((5, 2)), np.zeros((7, 2))]
texts = ["un", "deux"]
files = [Path("a.wav"), Path("b.wav")]


def tables() -> None:
    """A dense network, its parameters, and what is fitted."""
    network = DNNClassifier(
        hidden_layer_sizes=100,
        activation="gelu",
        optimizer="adam",
        class_weight="balanced",
        max_iter="auto",
        random_state=np.random.RandomState(0),
        verbose=1,
    )
    fitted = network.fit(table, labels, sample_weight=np.ones(20))
    assert_type(fitted, DNNClassifier)
    assert_type(fitted.predict(table), np.ndarray)
    assert_type(fitted.score(table, labels), float)
    assert_type(fitted.partial_fit(table, labels), DNNClassifier)
    assert_type(fitted.set_params(max_iter=3), DNNClassifier)
    assert_type(fitted.n_iter_, int)
    assert_type(fitted.loss_curve_, list[float])
    assert_type(fitted.validation_scores_, list[float] | None)
    assert_type(fitted.best_loss_, float)
    print(fitted.classes_.tolist(), fitted.predict_proba(table)[:, 1])
    print(fitted.network_.state_dict(), fitted.n_features_in_, fitted.form_)
    assert_type(HistoryDisplay.from_estimator(fitted, seconds=1.5), HistoryDisplay)
    assert_type(fitted.transform(table), np.ndarray)
    attribution = explain(fitted, table, n_steps=64, target=1)
    assert_type(attribution.importances, np.ndarray)
    AttributionDisplay(attribution).plot(row=0)
    fitted.to_onnx(Path("network.onnx"))
    predictor = Predictor("network.onnx", n_threads=2)
    assert_type(predictor.predict_proba(table), np.ndarray | list[np.ndarray])
    fitted.save("network.lamina")
    assert_type(DNNClassifier.load("network.lamina"), DNNClassifier)
    numbers = DNNRegressor(hidden_layer_sizes=(64, 64), loss="huber", device="cpu")
    assert_type(numbers.fit([[0.0], [1.0]], [0.5, 1.5]).predict([[2.0]]), np.ndarray)


def images_and_sequences() -> None:
    """Convolutional and recurrent networks."""
    pictures = CNNClassifier(n_filters=[16, 32], kernel_size=3, pooling="average")
    assert_type(pictures.fit(images, labels), CNNClassifier)
    assert_type(CNNRegressor().fit(files, np.ones(2)).predict(files), np.ndarray)
    sequences = RNNClassifier(cell="gru", form="series", early_stopping=True)
    sequences.fit(ragged, ["a", "b"], X_val=ragged, y_val=["a", "b"])
    assert_type(RNNRegressor().fit(ragged, [1.0, 2.0]).predict(ragged), np.ndarray)
    tagger = SequenceTagger(crf=True, scheme=None).fit([["a", "b"]], [["O", "O"]])
    assert_type(tagger.predict_proba([["a"]]), list[np.ndarray])


def outputs_in_sequence() -> None:
    """Texts, speech and forecasts."""
    translator = Translator(unit="word", max_length="auto").fit(texts, ["one", "two"])
    assert_type(translator, Translator)
    assert_type(translator.sample(texts, temperature=0.5), list[str])
    captioner = ImageCaptioner(start_from=CNNClassifier()).fit(images, ["a"] * 20)
    assert_type(captioner.score_samples(images, ["b"] * 20), np.ndarray)
    language = LanguageModel(unit="char").fit(Path("book.txt"))
    assert_type(language.predict("on"), list[str])
    speech = SpeechRecognizer(sampling_rate=16_000, language_model=language)
    assert_type(speech.fit(files, texts).predict(files), list[str])
    forecaster = Forecaster(horizon=6, quantiles=(0.1, 0.9), lower=0.0)
    assert_type(forecaster.fit(np.arange(100.0)).season_, int)


def mistakes() -> None:
    """What a checker finds before a fit does."""
    DNNClassifier(optimizer="admw")  # type: ignore[arg-type]
    CNNClassifier(pooling="mean")  # type: ignore[arg-type]
    RNNRegressor(loss="cross_entropy")  # type: ignore[arg-type]
    LanguageModel(max_iter="all")  # type: ignore[arg-type]
    DNNRegressor(solver="adam")  # pyright: ignore[reportCallIssue]
    Translator(dropout="much")  # type: ignore[arg-type]
    DNNClassifier().fit(3, labels)  # type: ignore[arg-type]
    DNNClassifier(100)  # pyright: ignore[reportCallIssue]
