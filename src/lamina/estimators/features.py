"""Fitted networks as feature extractors: `transform` and the names of the features."""

from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from lamina.estimators.base import NeuralEstimator
from lamina.inputs import DataLike


class FeatureExtractor(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, NeuralEstimator
):
    """Abstract: an estimator whose network has features of whole samples."""

    def transform(self, X: DataLike) -> np.ndarray:
        """The features of each sample: what the last layer of the network reads.

        They are the output of the body, averaged over the steps of a series, a sound or a
        text, and over the cells of an image. A network with `n_members` members has the
        features of one after those of the other: each member has a last layer of its own,
        so that the output of the network is a function of all of them, and not of their
        mean.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of n_samples samples
            Samples as for `predict`.

        Returns
        -------
        features : ndarray of shape (n_samples, width), of float32
            With n members the width is n times that of the last hidden layer. Of another
            container after `set_output`.
        """
        check_is_fitted(self, "network_")
        return self._outputs(X, self.task_.features)

    @property
    def _n_features_out(self) -> int:
        # scikit-learn's name, from which `get_feature_names_out` counts.
        body = self.network_.body
        return body.width * body.n_members

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
