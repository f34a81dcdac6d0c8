"""Turn articles into examples with gold labels: what is asked, and what coders answered.

What is asked (`examples`) and what was answered is gathered (`gathering`), with what still holds of
answers under earlier versions of the codebook (`carrying`). Gold is decided (`adjudication`), and
it is measured how far the coders agree (`agreement`); `labelling` does all of it. `to_code` says
what there is to code, and `exchange` hands it to labelling tools.
"""

from pipeline.label.agreement import label_agreement, model_disagreements
from pipeline.label.annotation_files import write_annotations
from pipeline.label.answers import Example
from pipeline.label.articles import Labelled, label_articles
from pipeline.label.carrying import Outdated, carried_annotations
from pipeline.label.to_code import columns_to_code, examples_to_code

__all__ = [
    "Example",
    "Labelled",
    "Outdated",
    "carried_annotations",
    "columns_to_code",
    "examples_to_code",
    "label_agreement",
    "label_articles",
    "model_disagreements",
    "write_annotations",
]
