"""The commands: their options and help. What they do is imported when they are called.

So help and completion of a shell need not wait for torch.
"""

from typing import Annotated

import typer

from lamina.cli import options as opt
from lamina.cli.console import Output, reported

Html = Annotated[
    str, typer.Option("--output", "-o", metavar="FILE", help="The HTML file to write.")
]
Onnx = Annotated[
    str, typer.Option("--output", "-o", metavar="FILE", help="The ONNX file to write.")
]
Host = Annotated[str, typer.Option(help="The address to listen at.")]
Port = Annotated[
    int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")
]

Title = Annotated[
    str | None,
    typer.Option(help="The title of the page. Without it, the class of the estimator."),
]


@reported
def fit(
    data: opt.Data,
    saved: opt.Saved,
    target: opt.Target = None,
    text: opt.Text = None,
    id_: opt.Id = None,
    time: opt.Time = None,
    horizon: opt.Horizon = None,
    ignore: opt.Ignore = None,
    estimator: opt.Estimator = None,
    param: opt.Param = None,
    test: opt.Test = "0.2",
    max_time: opt.MaxTime = None,
    random_state: opt.RandomState = 0,
    checkpoint: opt.Checkpoint = None,
    encoding: opt.Encoding = "utf-8",
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,
) -> None:
    """Train a network on DATA and save it.

    DATA is a table (.csv, .tsv, .parquet), a folder with a folder of images, recordings or
    texts for each class, a table with a column of their paths, a text file, tagged
    sentences (.conll), or a long table of series. The command says how it
    reads DATA and which estimator it takes; a fifth of DATA is held out for the score.
    Ctrl-C saves the network of the epochs until then, and ends with the exit code 130.

    \b
    Examples:
      lamina fit penguins.csv --target species -o penguins.lamina
      lamina fit penguins.csv --target weight -o weight.lamina --param dropout=0.2
      lamina fit pictures -o pictures.lamina --max-time 600
      lamina fit recordings -o digits.lamina --estimator RNNClassifier
      lamina fit tweets.csv --text tweet --target rating -o tweets.lamina
      lamina fit letters -o letters.lamina
      lamina fit rhymes.txt -o rhymes.lamina
      lamina fit french.txt --target english.txt -o translator.lamina
      lamina fit captions.csv --target caption -o captions.lamina
      lamina fit names.conll -o names.lamina
      lamina fit sales.csv --id shop --time day --target sold --horizon 7 -o sales.lamina
    """
    from lamina.cli.choose import Roles
    from lamina.cli.fit import Fit, Request
    from lamina.cli.parameters import values_of, with_options

    del debug
    values = with_options(
        values_of(param or []),
        {"max_time": max_time, "checkpoint": checkpoint, "random_state": random_state},
    )
    ignored = tuple(ignore or ())
    roles = Roles(target, text, id_, time, horizon, ignored, estimator)
    request = Request(data, saved, roles, values, test, random_state, encoding)
    Fit(request, Output(quiet)).run()


@reported
def predict(
    model: opt.Model,
    data: opt.Data,
    output: opt.Predictions = None,
    proba: opt.Proba = False,
    future: opt.Future = None,
    encoding: opt.Encoding = "utf-8",
    debug: opt.Debug = False,
) -> None:
    """Predict for new DATA.

    DATA is as in `lamina fit`, without a target or with it.

    The predictions are written beside the columns of a table, the names of files or the
    texts, as CSV or as the suffix of --output says. A translator and a language model take
    a text in each line, and give a line for each.

    \b
    Examples:
      lamina predict penguins.lamina new.csv
      lamina predict penguins.lamina new.csv --proba -o predictions.parquet
      lamina predict penguins.lamina - < new.csv
      lamina predict pictures.lamina new-pictures -o predictions.csv
      lamina predict translator.lamina french.txt -o translations.txt
      lamina predict sales.lamina sales.csv --proba
    """
    from lamina.cli.predict import predict_file

    del debug
    n = predict_file(model, data, output, proba=proba, future=future, encoding=encoding)
    if output not in (None, "-"):
        Output().say(f"Saved {n} predictions in {output!r}.", "green")


@reported
def score(
    model: opt.Model,
    data: opt.Data,
    target: opt.Target = None,
    encoding: opt.Encoding = "utf-8",
    json: opt.Json = False,
    debug: opt.Debug = False,
) -> None:
    """Score a network on DATA.

    The score is printed beside that of the best constant answer for DATA. --target is
    needed for parallel texts and for a network that Python saved, or if the column has
    another name than in `lamina fit`.

    \b
    Examples:
      lamina score penguins.lamina penguins.csv
      lamina score penguins.lamina penguins.csv --json
      lamina score translator.lamina french.txt --target english.txt
    """
    from lamina.cli.predict import score_file

    del debug
    samples, result = score_file(model, data, target, encoding)
    output = Output()
    if json:
        output.json(result.json())
        return
    for line in samples.how:
        output.say(line)
    output.result(str(result))


@reported
def info(model: opt.Model, json: opt.Json = False, debug: opt.Debug = False) -> None:
    """Say what a saved network is.

    Its class, the data and columns that it takes, parameters, versions and score.

    \b
    Examples:
      lamina info penguins.lamina
      lamina info penguins.lamina --json
    """
    from lamina.cli.info import facts_of, line_of

    del debug
    facts, output = facts_of(model), Output()
    if json:
        output.json(facts)
        return
    for name, value in facts.items():
        output.result(line_of(name, value))


@reported
def report(
    model: opt.Model,
    data: opt.Data,
    output: Html,
    target: opt.Target = None,
    encoding: opt.Encoding = "utf-8",
    debug: opt.Debug = False,
) -> None:
    """Write an HTML report of a network on DATA.

    It is one file, which loads nothing from the Internet.

    \b
    Examples:
      lamina report penguins.lamina penguins.csv -o report.html
    """
    from lamina.cli.uses import write_report

    del debug
    write_report(model, data, output, target, encoding)
    Output().say(f"Saved {output!r}.", "green")


@reported
def export(model: opt.Model, output: Onnx, debug: opt.Debug = False) -> None:
    """Write a network as ONNX.

    `lamina.onnx.Predictor` and other programs read it without torch.

    \b
    Examples:
      lamina export penguins.lamina -o penguins.onnx
    """
    from lamina.cli.uses import write_onnx

    del debug
    write_onnx(model, output)
    Output().say(f"Saved {output!r}.", "green")


@reported
def serve(
    model: opt.Model,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    title: Title = None,
    debug: opt.Debug = False,
) -> None:
    """Serve a network over HTTP.

    It has a page for the browser and a JSON interface.

    \b
    Examples:
      lamina serve penguins.lamina
      lamina serve penguins.lamina --host 0.0.0.0 --port 8080 --title Penguins
    """
    from lamina.cli.uses import serve_model

    del debug
    serve_model(model, host, port, title)
