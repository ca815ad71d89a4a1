"""The commands `report`, `export` and `serve`."""

from contextlib import suppress
from importlib import import_module

from lamina.cli.choose import source_of
from lamina.cli.models import read_model, require_writable
from lamina.cli.tables import name_of


def write_report(
    model: str, data: str, output: str, target: str | None, encoding: str
) -> None:
    """Write the report of a network on a file or a folder."""
    require_writable(output, model, data)
    estimator, note = read_model(model)
    samples = source_of(note, estimator, target).read(data, encoding)
    with samples.located(name_of(data)):
        import_module("lamina").report(estimator, samples.X, samples.y).save(output)


def write_onnx(model: str, output: str) -> None:
    """Write a network in the format ONNX."""
    require_writable(output, model)
    read_model(model)[0].to_onnx(output)


def serve_model(model: str, host: str, port: int, title: str | None) -> None:
    """Answer requests to a network until Ctrl-C, which is how a server ends."""
    estimator, _ = read_model(model)
    serving = import_module("lamina.serving")
    with suppress(KeyboardInterrupt):
        serving.serve(estimator, host=host, port=port, title=title)
