"""The parameters of training, shared by every estimator."""

from collections.abc import Callable, Iterator
from os import PathLike
from typing import Annotated, Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import get_scorer_names

from lamina.params import (
    Params,
    Rule,
    Use,
    at_least,
    fraction,
    from_to,
    not_negative,
    only_with,
    positive,
    seed,
)
from lamina.paths import file_name
from lamina.training.checkpoint import interval
from lamina.training.precision import known_device

Rate = Annotated[float, positive(), "The largest learning rate of the schedule."]


class Splitter(Protocol):
    """Splits samples, as the classes of `sklearn.model_selection` do."""

    def split(
        self, X: ArrayLike, y: Any = None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The row numbers to train on and those to validate by, of each split."""
        ...


def splitter() -> Rule:
    """An object that splits samples, as those of `sklearn.model_selection` do."""
    return Rule(
        "splitter",
        lambda v: callable(getattr(v, "split", None)) and not isinstance(v, str),
    )


def known_score() -> Rule:
    """The name of a validation score, or a callable that computes one."""
    return Rule(
        "str or callable",
        lambda v: (
            callable(v) or (isinstance(v, str) and v in {"loss", *get_scorer_names()})
        ),
    )


class TrainerParams(Params):
    """How a network is trained. Names that scikit-learn's MLP has mean what they do there."""

    max_iter: Annotated[
        int | Literal["auto"],
        at_least(1),
        """Epochs, that is passes over the training samples. "auto" takes as many as
        make about {default_steps} gradient steps, but at least {min_epochs} and at most
        100; these are a limit where `early_stopping` finds a better number.""",
    ] = "auto"
    max_time: Annotated[
        float | None,
        positive(),
        """Seconds after which training stops; the schedule reaches its end by then. A
        limit that is not reached changes nothing; with one that is, the result depends on
        the speed of the machine. None sets no limit.""",
    ] = None
    batch_size: Annotated[
        int | Literal["auto"],
        at_least(1),
        """Samples per gradient step. "auto" takes 1/{n_batches} of the samples, at least
        {smallest_batch} and at most {largest_batch}.""",
    ] = "auto"
    learning_rate_init: Rate = 2e-3
    schedule: Annotated[
        Literal["auto", "one_cycle", "cosine", "linear", "constant"],
        """The learning rate over the fit: "one_cycle" warms up in the first tenth and
        falls to 0 along a cosine; "cosine", "linear" and "constant" start at
        `learning_rate_init`. "auto" is "{schedule}". `partial_fit` is always constant.""",
    ] = "auto"
    averaging: Annotated[
        float | Literal["auto"],
        not_negative(),
        """Epochs over which the weights are averaged, with exponentially falling
        proportions; the network is that of the averages. 0 takes the weights after the
        last step, as `partial_fit` does. "auto" is {averaging}.""",
    ] = "auto"
    optimizer: Annotated[
        Literal["adamw", "adam", "sgd"], "Rule that turns gradients into steps."
    ] = "adamw"
    alpha: Annotated[
        float | Literal["auto"],
        not_negative(most=1e6),
        """Weight decay, decoupled from the gradient for "adamw" and an L2 penalty for
        "adam" and "sgd"; biases do not decay. "auto" is 0.1 for "adamw" and 0.0001 for the
        others. With "adamw" an embedding of a category of a table also shrinks, 50 times
        as fast, in steps whose batch lacks the category, so that rare categories have
        small effects.""",
    ] = "auto"
    beta_1: Annotated[
        float,
        fraction(),
        only_with(optimizer=("adam", "adamw")),
        "Decay of Adam's mean of gradients.",
    ] = 0.9
    beta_2: Annotated[
        float,
        fraction(),
        only_with(optimizer=("adam", "adamw")),
        "Decay of Adam's mean of squared gradients.",
    ] = 0.999
    epsilon: Annotated[
        float,
        from_to(1e-30, 1e30),
        only_with(optimizer=("adam", "adamw")),
        "Term in Adam's denominator for numerical stability.",
    ] = 1e-8
    momentum: Annotated[
        float, fraction(), only_with(optimizer="sgd"), "Momentum of the steps."
    ] = 0.9
    nesterovs_momentum: Annotated[
        bool, only_with(optimizer="sgd"), "Whether to use Nesterov's momentum."
    ] = True
    max_grad_norm: Annotated[
        float | None,
        positive(),
        """Largest norm of the gradient; larger ones are scaled down to it (Pascanu et al.
        2013). None does not limit it.""",
    ] = 1.0
    shuffle: Annotated[bool, "Draw the samples in a new order in each epoch."] = True
    early_stopping: Annotated[
        bool | Literal["auto"],
        """Stop when the score on validation samples has not improved for
        `n_iter_no_change` epochs, and keep the best epoch's network. The samples are
        `X_val` and `y_val` of `fit`, or a `validation_fraction` of the training samples.
        Without it, training stops when the training loss has not improved for as long.
        "auto" is {early_stopping}.""",
    ] = "auto"
    validation_fraction: Annotated[
        float | Literal["auto"],
        fraction(zero=False),
        only_with(early_stopping=(True, "auto")),
        """Fraction of the training samples that is held out for early stopping. "auto" is
        0.1, and 0.2 of fewer than 5,000 samples where `early_stopping="auto"`.""",
    ] = "auto"
    validation_split: Annotated[
        Literal["random", "last"] | Splitter,
        splitter(),
        only_with(early_stopping=(True, "auto")),
        """Which samples are held out: drawn at "random" (for classifiers with the classes
        in equal proportion), the "last" ones, for samples in order of time, or the first
        split of a splitter of scikit-learn. `validation_groups` of `fit` keeps groups
        together.""",
    ] = "random"
    scoring: Annotated[
        str | Callable[..., float] | None,
        known_score(),
        """What validation samples are scored by, greater is better: the name of a scorer
        of scikit-learn, a callable `scorer(estimator, X, y)`, or "loss". None takes
        accuracy for classifiers, for regressors R^2 where the loss is the squared error and
        the loss itself otherwise, and `score` for all others; with `early_stopping="auto"`
        it takes "loss".""",
    ] = None
    n_iter_no_change: Annotated[
        int, at_least(1), "Epochs without improvement after which training stops."
    ] = 20
    tol: Annotated[
        float, not_negative(), "A smaller improvement of score or loss counts as none."
    ] = 1e-4
    warm_start: Annotated[
        bool, "Continue with the fitted network when `fit` is called again."
    ] = False
    device: Annotated[
        str,
        known_device(),
        Use.AT_ONCE,
        """Where to compute: "auto" takes a GPU when there is one; "cpu", "cuda", "cuda:1"
        (a GPU by its number), "mps".""",
    ] = "auto"
    n_threads: Annotated[
        int | Literal["auto"],
        at_least(1),
        Use.AT_ONCE,
        """Threads that share a large batch; their number does not change the result.
        "auto" takes as many as the process has cores (by its affinity, its container and
        joblib), or one where that is measured to be faster, as on a busy machine.""",
    ] = "auto"
    precision: Annotated[
        Literal["auto", "float32", "bfloat16", "float16"],
        Use.AT_ONCE,
        """Arithmetic of the products in training: "auto" takes bfloat16 where the machine
        computes it natively and the network is large enough to gain, and float32
        otherwise (through TF32 on a GPU); "float32" is exactly that. "bfloat16" and
        "float16", whose losses are scaled, are refused where they would be emulated.
        Weights, losses and predictions are float32 always.""",
    ] = "auto"
    random_state: Annotated[
        int | np.random.RandomState | None,
        seed(),
        """Seed of initial weights, shuffling, dropout and the validation split. With an
        int, the same data on the same machine gives the same network.""",
    ] = None
    checkpoint: Annotated[
        str | PathLike[str] | None,
        file_name(),
        """File in which `fit` saves its state, so that the same call resumes a fit that
        was killed; it is deleted when the fit ends. None saves nothing.""",
    ] = None
    checkpoint_every: Annotated[
        str,
        interval(),
        """How often to save: after a time, as in "60s", "5min" and "1h", or a number of
        epochs, as in "1 epoch" and "5 epochs".""",
    ] = "60s"
    verbose: Annotated[
        bool | int, at_least(0), "Print a line after each epoch, if not 0."
    ] = False
