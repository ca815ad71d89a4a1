"""The parameters of training, shared by every estimator."""

from typing import Annotated, Any

import numpy as np
from sklearn.metrics import get_scorer_names

from lamina.params import (
    Params,
    Rule,
    Use,
    at_least,
    boolean,
    fraction,
    none,
    not_negative,
    one_of,
    only_with,
    positive,
    seed,
)
from lamina.training.optimizers import OPTIMIZERS
from lamina.training.precision import PRECISIONS, known_device
from lamina.training.schedules import SCHEDULES

Rate = Annotated[float, positive(), "The largest learning rate of the schedule."]


def splitter() -> Rule:
    """What splits samples, as those of `sklearn.model_selection` do."""
    return Rule(
        "splitter",
        lambda v: callable(getattr(v, "split", None)) and not isinstance(v, str),
    )


def known_score() -> Rule:
    """What a validation score is asked for by."""
    return Rule(
        "str or callable",
        lambda v: (
            callable(v) or (isinstance(v, str) and v in {"loss", *get_scorer_names()})
        ),
    )


class TrainerParams(Params):
    """How a network is trained. Names that scikit-learn's MLP has mean what they do there."""

    max_iter: Annotated[
        int | str,
        at_least(1),
        one_of("auto"),
        """Epochs, that is passes over the training samples. "auto" takes as many as
        make about 2,500 gradient steps (forecasts 600), but at least 5 and at most 100.""",
    ] = "auto"
    max_time: Annotated[
        float | None,
        positive(),
        none(),
        """Seconds after which training stops in good order: the schedule is paced to
        end by then. A limit that is not reached changes nothing; one that is makes the
        result hang on the machine's speed. None sets no limit.""",
    ] = None
    batch_size: Annotated[
        int | str,
        at_least(1),
        one_of("auto"),
        """Samples per gradient step. "auto" takes a fortieth of the samples, at least 8
        and at most 128 (64 where texts are written, 32 windows of language, 16
        recordings to be transcribed).""",
    ] = "auto"
    learning_rate_init: Rate = 2e-3
    schedule: Annotated[
        str,
        one_of(*SCHEDULES),
        """The learning rate over the fit: "one_cycle" warms up in the first tenth and
        falls to 0 along a cosine; "cosine", "linear" and "constant" start at
        `learning_rate_init`. `partial_fit` is always constant.""",
    ] = "one_cycle"
    optimizer: Annotated[
        str, one_of(*OPTIMIZERS), "Rule that turns gradients into steps."
    ] = "adamw"
    alpha: Annotated[
        float,
        not_negative(),
        """Weight decay, decoupled from the gradient for "adamw" and an L2 penalty for
        "adam" and "sgd"; biases do not decay.""",
    ] = 0.1
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
        positive(),
        only_with(optimizer=("adam", "adamw")),
        "Term in Adam's denominator for numerical stability.",
    ] = 1e-8
    momentum: Annotated[
        float, fraction(), only_with(optimizer="sgd"), "Momentum of the steps."
    ] = 0.9
    nesterovs_momentum: Annotated[
        bool, boolean(), only_with(optimizer="sgd"), "Look ahead along the momentum."
    ] = True
    max_grad_norm: Annotated[
        float | None,
        positive(),
        none(),
        "Gradients longer than this are cut to it (Pascanu et al. 2013); None: never.",
    ] = 1.0
    shuffle: Annotated[
        bool, boolean(), "Draw the samples in a new order in each epoch."
    ] = True
    early_stopping: Annotated[
        bool,
        boolean(),
        """Stop when the score on validation samples has not improved for
        `n_iter_no_change` epochs, and keep the best epoch's network. The samples are
        `X_val` and `y_val` of `fit`, or a `validation_fraction` of the training samples.
        Without it, training stops when the loss itself has not.""",
    ] = False
    validation_fraction: Annotated[
        float,
        fraction(zero=False),
        only_with(early_stopping=True),
        "Share of the training samples that is held out for early stopping.",
    ] = 0.1
    validation_split: Annotated[
        Any,
        one_of("random", "last"),
        splitter(),
        only_with(early_stopping=True),
        """Which samples are held out: drawn at "random" (for classifiers with the classes
        in equal proportion), the "last" ones as they come, for samples in order of time,
        or the first split of a splitter of scikit-learn. `validation_groups` of `fit`
        keeps groups together.""",
    ] = "random"
    scoring: Annotated[
        Any,
        known_score(),
        none(),
        """What validation samples are scored by, greater is better: the name of a scorer
        of scikit-learn, a callable `scorer(estimator, X, y)`, or "loss". None takes
        accuracy for classifiers, for regressors R^2 where the loss is the squared error and
        the loss itself otherwise, and `score` for all others.""",
    ] = None
    n_iter_no_change: Annotated[
        int, at_least(1), "Epochs without improvement after which training stops."
    ] = 20
    tol: Annotated[
        float, not_negative(), "A smaller improvement of score or loss counts as none."
    ] = 1e-4
    warm_start: Annotated[
        bool, boolean(), "Go on from the fitted network when `fit` is called again."
    ] = False
    device: Annotated[
        str,
        known_device(),
        Use.AT_ONCE,
        """Where to compute: "auto" takes a GPU when there is one; "cpu", "cuda", "cuda:1"
        (a GPU by its number), "mps".""",
    ] = "auto"
    n_threads: Annotated[
        int | str,
        at_least(1),
        one_of("auto"),
        Use.AT_ONCE,
        """Threads that share a large batch; their number does not change the result.
        "auto" takes as many as the process has cores (by its affinity, its container and
        joblib), or one where that is measured to be faster, as on a busy machine.""",
    ] = "auto"
    precision: Annotated[
        str,
        one_of(*PRECISIONS),
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
    verbose: Annotated[
        bool | int, boolean(), at_least(0), "Print a line after each epoch, if not 0."
    ] = False
