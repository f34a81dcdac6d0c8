"""The model as MLflow loads it: this file is stored beside the bundle and run from there."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext


class SlantModel(PythonModel):
    """Predicts topic and stance of articles with the bundle in its artifacts."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the bundle; a file that was changed is refused."""
        from pipeline.bundle import load_bundle

        self.bundle = load_bundle(Path(context.artifacts["bundle"]))

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002  (MLflow tells by it how to call)
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> pd.DataFrame:
        """Return one row per article, task and target.

        A row that names a target is asked about that one alone, whether or not its text mentions
        it; the others about the targets of the codebook that they mention.
        """
        from pipeline.tracking.serving import frame_to_articles, predictions_to_frame

        whole, wordings = frame_to_articles(model_input)
        articles = self.bundle.preparation.prepare(whole).articles
        return predictions_to_frame(self._predict(articles, wordings))

    def _predict(self, articles: pa.Table, wordings: dict[int, str]) -> pa.Table:
        from pipeline.predict import (
            in_whole_texts,
            named_targets,
            predict_articles,
            targets_to_ask,
        )
        from pipeline.tracking.serving import check_targets

        check_targets(self.bundle.codebook, wordings)
        evidence = self.bundle.predict.evidence
        named = pa.array([row in wordings for row in range(articles.num_rows)], pa.bool_())
        finder = targets_to_ask(self.bundle.codebook)
        others = articles.filter(pc.invert(named))
        parts = [
            predict_articles(self.bundle, others, finder, evidence),
            predict_articles(self.bundle, articles.filter(named), None, evidence),
            named_targets(self.bundle, articles, wordings, evidence),
        ]
        return in_whole_texts(pa.concat_tables(parts), articles)


set_model(SlantModel())
