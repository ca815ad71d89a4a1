"""Writes tests/golden/<version>: a small fitted estimator of each class, and its outputs.

    python scripts/golden.py

Run it once for each release. The files are never written again; `tests/test_golden.py`
opens those of all releases.
"""

from pathlib import Path

import lamina
from lamina import archive
from lamina.state import dismantled
from lamina.testing.examples import EXAMPLES
from lamina.testing.fitting import brief, fit, outputs

FOLDER = Path(__file__).parents[1] / "tests" / "golden" / lamina.__version__
RECURRENT = {"hidden_size": 6, "n_layers": 1}
NETWORKS = {
    "mixed_table": [
        lamina.DNNClassifier(hidden_layer_sizes=8, class_weight={"low": 2.0}),
        lamina.DNNRegressor(hidden_layer_sizes=8, loss="huber"),
    ],
    "image": [
        lamina.CNNClassifier(n_filters=4),
        lamina.ImageCaptioner(n_filters=4, decoder_size=8, unit="word"),
    ],
    "ragged": [lamina.CNNRegressor(n_filters=4), lamina.RNNRegressor(**RECURRENT)],
    "text": [lamina.RNNClassifier(**RECURRENT, ngram_features=False)],
    "tokens": [lamina.SequenceTagger(**RECURRENT)],
    "histories": [lamina.Forecaster(**RECURRENT, quantiles=(0.1, 0.9), horizon=2)],
    "documents": [
        lamina.LanguageModel(**RECURRENT),
        lamina.Translator(hidden_size=6, decoder_size=8, unit="word"),
    ],
    "waveforms": [lamina.SpeechRecognizer(**RECURRENT, n_filters=4)],
}
"""The estimators, by the example that they are fitted on."""


def main() -> None:
    """Write two files for each estimator."""
    FOLDER.mkdir(parents=True)
    for name, networks in NETWORKS.items():
        data = EXAMPLES[name]
        for network in networks:
            fitted = fit(brief(network, data), data)
            path = FOLDER / f"{type(network).__name__}.lamina"
            lamina.save(fitted, path)
            expected = {"X": data.X, "outputs": outputs(fitted, data.X)}
            archive.write(
                path.with_suffix(".expected"), "expected", *dismantled(expected)
            )
            print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
