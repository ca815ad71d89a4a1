"""The contenders: default parameters, and the preprocessing that each needs.

Each maps a `Problem` to a function that fits on (X, y). Imports are within functions, so that
the process of a contender loads only its own library, and precede the fit.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

Fit = Callable[[pd.DataFrame, np.ndarray], Any]
N_THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))


@dataclass(frozen=True)
class Problem:
    """What a contender is told: whether y has classes, the columns, and the seed."""

    has_classes: bool
    categories: list[str]
    numbers: list[str]
    seed: int

    @classmethod
    def of(cls, X: pd.DataFrame, has_classes: bool, seed: int) -> "Problem":
        categories = list(X.select_dtypes("category"))
        return cls(has_classes, categories, list(X.columns.drop(categories)), seed)

    def kind(self, classifier: type, regressor: type) -> type:
        return classifier if self.has_classes else regressor


def scaled(problem: Problem, estimator: Any) -> Pipeline:
    """Imputed and scaled numbers, one-hot categories (missing is one of them)."""
    numbers = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
    one_hot = OneHotEncoder(handle_unknown="ignore")
    columns = (numbers, problem.numbers), (one_hot, problem.categories)
    return make_pipeline(make_column_transformer(*columns), estimator)


def hist_gradient_boosting(problem: Problem) -> Fit:
    """The most frequent 254 categories of a column; it takes no more than 255."""
    from sklearn.ensemble import (
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
    )

    kind = problem.kind(HistGradientBoostingClassifier, HistGradientBoostingRegressor)
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=255,
    )
    columns = make_column_transformer(
        (codes, problem.categories), ("passthrough", problem.numbers)
    )
    first = list(range(len(problem.categories)))
    model = kind(categorical_features=first or None, random_state=problem.seed)
    return make_pipeline(columns, model).fit


def lightgbm(problem: Problem) -> Fit:
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = problem.kind(LGBMClassifier, LGBMRegressor)
    return kind(random_state=problem.seed, n_jobs=N_THREADS, verbose=-1).fit


def xgboost(problem: Problem) -> Fit:
    """Categories that are numbers are strings, as it takes none of floats."""
    from xgboost import XGBClassifier, XGBRegressor

    def with_texts(X: pd.DataFrame) -> pd.DataFrame:
        texts = {n: X[n].cat.rename_categories(str) for n in problem.categories}
        return X.assign(**texts)

    kind = problem.kind(XGBClassifier, XGBRegressor)
    model = kind(enable_categorical=True, random_state=problem.seed, n_jobs=N_THREADS)
    return make_pipeline(FunctionTransformer(with_texts), model).fit


def catboost(problem: Problem) -> Fit:
    """A missing category is a category, and all are strings: it takes none of floats."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    def with_texts(X: pd.DataFrame) -> pd.DataFrame:
        texts = {n: X[n].astype("string").fillna("missing") for n in problem.categories}
        return X.assign(**texts)

    kind = problem.kind(CatBoostClassifier, CatBoostRegressor)
    model = kind(
        cat_features=problem.categories,
        random_seed=problem.seed,
        thread_count=N_THREADS,
        verbose=False,
        allow_writing_files=False,
    )
    return make_pipeline(FunctionTransformer(with_texts), model).fit


def random_forest(problem: Problem) -> Fit:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = problem.kind(RandomForestClassifier, RandomForestRegressor)
    model = kind(random_state=problem.seed, n_jobs=N_THREADS)
    return scaled(problem, model).fit


def linear(problem: Problem) -> Fit:
    """Logistic regression, with enough iterations to converge, or ridge regression."""
    from sklearn.linear_model import LogisticRegression, Ridge

    model = LogisticRegression(max_iter=1000) if problem.has_classes else Ridge()
    return scaled(problem, model).fit


def mlp(problem: Problem, early_stopping: bool = False) -> Fit:
    """scikit-learn's network; a target of numbers is scaled, as it expects."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    kind = problem.kind(MLPClassifier, MLPRegressor)
    model = kind(early_stopping=early_stopping, random_state=problem.seed)
    if not problem.has_classes:
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    return scaled(problem, model).fit


def early_mlp(problem: Problem) -> Fit:
    return mlp(problem, early_stopping=True)


def realmlp(problem: Problem) -> Fit:
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

    return _pytabkit(problem, RealMLP_TD_Classifier, RealMLP_TD_Regressor)


def tabm(problem: Problem) -> Fit:
    from pytabkit import TabM_D_Classifier, TabM_D_Regressor

    return _pytabkit(problem, TabM_D_Classifier, TabM_D_Regressor)


def _pytabkit(problem: Problem, classifier: type, regressor: type) -> Fit:
    """Missing numbers are imputed, because pytabkit refuses them."""
    columns = make_column_transformer(
        (SimpleImputer(keep_empty_features=True), problem.numbers),
        ("passthrough", problem.categories),
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    kind = problem.kind(classifier, regressor)
    model = kind(device="cpu", random_state=problem.seed, n_threads=N_THREADS)
    pipeline = Pipeline([("columns", columns), ("model", model)])

    def fit(X: pd.DataFrame, y: np.ndarray) -> Pipeline:
        return pipeline.fit(X, y, model__cat_col_names=problem.categories)

    return fit


def lamina(problem: Problem) -> Fit:
    from lamina import DNNClassifier, DNNRegressor

    kind = problem.kind(DNNClassifier, DNNRegressor)
    return kind(random_state=problem.seed).fit


CONTENDERS: dict[str, Callable[[Problem], Fit]] = {
    "lamina": lamina,
    "before": lamina,
    "linear": linear,
    "LightGBM": lightgbm,
    "XGBoost": xgboost,
    "HistGradientBoosting": hist_gradient_boosting,
    "RandomForest": random_forest,
    "MLP, early stopping": early_mlp,
    "CatBoost": catboost,
    "MLP": mlp,
    "TabM": tabm,
    "RealMLP": realmlp,
}
"""`before` is lamina of another checkout, whose folder src is in BEFORE; slow ones last."""
