"""Which parts of samples decided outputs, by `lamina.inspection.explain`."""

import warnings
from functools import partial

import numpy as np

from lamina.exceptions import AttributionWarning, ParameterError
from lamina.inspection import AttributionDisplay, explain
from lamina.reporting.blocks import Block, Gallery, Item, Paragraph, Section
from lamina.reporting.figures import figure_of_display
from lamina.reporting.results import Results
from lamina.tasks.base import PooledTask

MAX_EXAMPLES = 3
"""Samples whose attribution is plotted by itself."""


def attributions(results: Results) -> list[Section]:
    """What contributed to outputs in general, and to those of a few samples.

    There is no such section where outputs are texts, steps or tags.
    """
    if not isinstance(results.task, PooledTask):
        return []
    try:
        return [Section("Attributions", _blocks(results))]
    except ParameterError as error:
        return [Section("Attributions", [Paragraph(f"Not computed. {error}")])]


def _blocks(results: Results) -> list[Block]:
    examples = results.mistakes()[:MAX_EXAMPLES]
    others = results.random_rows(MAX_EXAMPLES + len(examples)).tolist()
    examples += [row for row in others if row not in examples]
    examples = examples[:MAX_EXAMPLES]
    is_flexible = results.estimator.form_ != "text"
    is_table = results.estimator.form_ == "table"
    more = results.random_rows(results.options.n_explained).tolist() if is_table else []
    rows = [*examples, *(row for row in more if row not in examples)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", AttributionWarning)
        attribution = explain(results.estimator, results.samples(np.array(rows)))
    blocks: list[Block] = [
        Paragraph(
            f"What contributed to the {attribution.output_name}, by integrated gradients: "
            f"contributions sum up to the difference from a baseline. They describe the "
            f"network, not causes in the world."
        )
    ]
    blocks += [
        Paragraph(str(warning.message))
        for warning in caught
        if issubclass(warning.category, AttributionWarning)
    ]
    display = AttributionDisplay(attribution)
    if is_table:
        caption = f"Mean absolute contributions of the columns, over {len(rows)} rows."
        blocks.append(figure_of_display(display.plot, caption))
    wrong = set(results.mistakes())
    items = []
    for i, row in enumerate(examples):
        caption = f"Contributions to the output for sample {row}."
        plot = figure_of_display(
            partial(display.plot, row=i), caption, is_flexible=is_flexible
        )
        title = results.name(row) + (
            ", one of the worst mistakes" if row in wrong else ""
        )
        items.append(Item(title, [plot], results.pairs_of(row)))
    return [*blocks, Gallery(items, is_wide=True)]
