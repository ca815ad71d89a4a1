"""Strategies of hypothesis for samples, targets, weights and parameters, valid and odd.

They need the package hypothesis::

    from hypothesis import given
    from lamina.testing import EXAMPLES
    from lamina.testing.strategies import hostile_samples


    @given(hostile_samples(EXAMPLES["table"]))
    def test_a_table_is_read_or_refused(X): ...
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.base import clone

from lamina.estimators.base import NeuralEstimator
from lamina.testing.examples import EXAMPLES, WORDS, Example, examples_for
from lamina.testing.hostile_bench import METHODS, bench_of, oddities
from lamina.testing.hostile_cases import Case
from lamina.testing.hostile_parameters import accepted_values, odd_values
from lamina.testing.hostile_samples import mutations_of
from lamina.testing.hostile_targets import TARGETS, WEIGHTS
from lamina.testing.mutations import Mutation

try:
    from hypothesis import strategies as st
    from hypothesis.extra.numpy import arrays
    from hypothesis.strategies import SearchStrategy
except ImportError:
    raise ImportError(
        "lamina.testing.strategies needs the package hypothesis; install it with: "
        "pip install hypothesis"
    ) from None

MAX_SIZE = 8
"""The largest number of samples, steps and channels of a drawn X."""
_sizes = st.integers(1, MAX_SIZE)
_seeds = st.integers(0, 2**31 - 1)


def _numbers(shape: tuple[int, ...], missing: bool = False) -> SearchStrategy:
    values = st.floats(-1e6, 1e6, allow_subnormal=False, width=32)
    elements = values | st.just(np.nan) if missing else values
    return arrays(np.float64, shape, elements=elements)


def samples(form: str) -> SearchStrategy:
    """Valid samples of a form of data: "table", "series", "image", "audio" or "text"."""
    words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=MAX_SIZE)
    forms = {
        "table": st.tuples(_sizes, _sizes).flatmap(lambda s: _numbers(s, True)),
        "series": st.tuples(_sizes, _sizes, _sizes).flatmap(_numbers)
        | st.lists(
            _sizes.flatmap(lambda n: _numbers((n, 2))), min_size=1, max_size=MAX_SIZE
        ),
        "image": st.tuples(
            _sizes, st.just(8), st.just(6), st.sampled_from([1, 3])
        ).flatmap(_numbers),
        "audio": st.lists(
            st.integers(400, 600).flatmap(lambda n: _numbers((n,))),
            min_size=1,
            max_size=MAX_SIZE,
        ),
        "text": st.lists(words.map(" ".join), min_size=1, max_size=MAX_SIZE),
    }
    return forms[form]


def targets(estimator: NeuralEstimator, n_samples: int) -> SearchStrategy:
    """Valid targets of the first example of the estimator, for `n_samples` samples."""
    example = examples_for(estimator)[0]
    y = example.target(estimator)
    rows = st.lists(
        st.integers(0, len(example) - 1), min_size=n_samples, max_size=n_samples
    )
    return st.none() if y is None else rows.map(lambda i: y[np.array(i)])


def sample_weights(n_samples: int) -> SearchStrategy:
    """Valid weights: not negative, and not all 0."""
    weights = arrays(np.float64, n_samples, elements=st.floats(0, 100, width=16))
    return st.none() | weights.filter(np.any)


def parameters(estimator: NeuralEstimator) -> SearchStrategy:
    """The estimator with another, accepted value of one parameter."""
    return _with_parameter(estimator, accepted_values)


def hostile_parameters(estimator: NeuralEstimator) -> SearchStrategy:
    """The estimator with an odd value of one parameter, which few rules accept."""
    return _with_parameter(estimator, odd_values)


def hostile_samples(data: Example) -> SearchStrategy:
    """Mutated samples of an example."""
    return _mutated(data.X, mutations_of(data.X))


def hostile_targets(estimator: NeuralEstimator, data: Example) -> SearchStrategy:
    """Mutated targets of an example."""
    y = data.target(estimator)
    return _mutated(np.arange(len(data)) if y is None else y, TARGETS)


def hostile_weights(n_samples: int) -> SearchStrategy:
    """Mutated weights."""
    return _mutated(np.ones(n_samples), WEIGHTS)


def hostile_cases(estimator: type, data: str) -> SearchStrategy:
    """Cases for `lamina.testing.hostile_cases.run_case`."""
    bench = bench_of(estimator, EXAMPLES[data])

    def of_part(part: str) -> SearchStrategy:
        return st.builds(
            Case,
            estimator=st.just(estimator.__name__),
            data=st.just(data),
            part=st.just(part),
            odd=st.sampled_from(oddities(bench, part)),
            method=st.sampled_from(METHODS[part]),
            seed=_seeds,
        )

    return st.sampled_from(sorted(METHODS)).flatmap(of_part)


def _with_parameter(
    estimator: NeuralEstimator, values: Callable[[NeuralEstimator, str], Sequence]
) -> SearchStrategy:
    names = estimator.get_params(deep=False)
    candidates = {name: values(estimator, name) for name in names}
    candidates = {name: tried for name, tried in candidates.items() if tried}
    changes = st.sampled_from(sorted(candidates)).flatmap(
        lambda name: st.sampled_from(candidates[name]).map(lambda value: {name: value})
    )
    return changes.map(lambda change: clone(estimator).set_params(**change))


def _mutated(valid: object, mutations: list[Mutation]) -> SearchStrategy:
    def change(mutation: Mutation, seed: int) -> Any:
        return mutation.change(valid, np.random.default_rng(seed))

    return st.builds(change, st.sampled_from(mutations), _seeds)
