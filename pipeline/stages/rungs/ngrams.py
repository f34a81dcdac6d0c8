"""Rung 1: hashed n-grams and a linear head."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from pipeline.bundle import NgramModel
from pipeline.config import LinearTrain, NgramFeatures
from pipeline.errors import DataError
from pipeline.features import NgramVectorizer
from pipeline.stages.examples import Material
from pipeline.stages.rungs.rung import Learned, train_linear

_ARRAYS: Final = "features.safetensors"


@dataclass(frozen=True)
class NgramLearner:
    """Features fitted on train, counted on train and dev; one linear head a view."""

    features: NgramFeatures
    section: LinearTrain
    seed: int

    def without_refit(self) -> "NgramLearner":
        """Return the same that does not learn from dev in the end."""
        return replace(self, section=self.section.model_copy(update={"refit": False}))

    def featurize(self, material: Material) -> str:
        """Choose and weigh the n-grams on train, and count them in train and dev."""
        from safetensors.numpy import save_file

        texts, asked = material.shown
        vectorizer = NgramVectorizer(self.features, sees_target=material.view.sees_target)
        vectorizer.fit(texts, asked.take(np.flatnonzero(~material.is_dev)))
        if not len(vectorizer.kept_):
            raise DataError(
                f"task '{material.view.task}': no feature occurs in {self.features.min_count} "
                "training examples or more; lower features.min_count, or add answers"
            )
        matrix = vectorizer.transform(texts, asked)
        arrays = {
            "kept": vectorizer.kept_,
            "idf": vectorizer.idf_,
            "indptr": matrix.indptr,
            "indices": matrix.indices,
            "data": matrix.data,
        }
        save_file(arrays, material.folder / _ARRAYS)
        return f"{len(vectorizer.kept_):,}"

    def learn(self, material: Material) -> Learned:
        """Train a head on what `featurize` left."""
        from safetensors.numpy import load_file
        from scipy.sparse import csr_array

        arrays = load_file(material.folder / _ARRAYS)
        vectorizer = NgramVectorizer(self.features, sees_target=material.view.sees_target)
        vectorizer.restore(arrays["kept"], arrays["idf"])
        matrix = csr_array(
            (arrays["data"], arrays["indices"], arrays["indptr"]),
            shape=(len(material.rows), len(arrays["idf"])),
        )
        head, tried, dev = train_linear(material, matrix, self.section, self.seed)
        return Learned(NgramModel(vectorizer, head), tried, dev)
