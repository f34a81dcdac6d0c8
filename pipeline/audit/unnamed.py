"""What models are asked about and do not see: targets that no text names."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import pyarrow.compute as pc

from pipeline.audit.coded import Coded
from pipeline.audit.findings import Finding, Severity, share
from pipeline.codebook import Asks, Task

# Of the examples of a task; and of one target, which may stand in the codebook under a name that
# articles never use.
_OFTEN: Final = 0.5
_FEWEST_OF_A_TARGET: Final = 5


def unnamed_targets(coded: Coded, tasks: Mapping[str, Task]) -> Iterator[Finding]:
    """Tell for each task that is asked of targets in how many examples the text never names it.

    Such an example shows a model what the article says, and nowhere of whom it is asked.
    """
    for name in sorted(tasks):
        if tasks[name].asks is not Asks.TARGET:
            continue
        examples = coded.examples.filter(pc.equal(coded.examples["task"], name))
        lengths = pc.fill_null(pc.list_value_length(examples["mentions"]), 0)
        unseen = examples.filter(pc.equal(lengths, 0))
        asked = Counter(examples["target"].to_pylist())
        unnamed = Counter(unseen["target"].to_pylist())
        rows = [
            {"target": target, "unnamed": unnamed[target], "of": asked[target]}
            for target in sorted(unnamed, key=lambda target: (-unnamed[target], target))
        ]
        never = [
            row for row in rows if row["unnamed"] == row["of"] and row["of"] >= _FEWEST_OF_A_TARGET
        ]
        often = len(unseen) >= _OFTEN * len(examples) and len(unseen) > 0
        yield Finding(
            "unnamed_targets",
            Severity.WARNING if often or never else Severity.INFO,
            f"{share(len(unseen), len(examples))} of the examples have a target that no text of "
            "theirs names; aliases in the codebook, or features.target.parts: true, find more"
            if len(unseen)
            else "every text names its target",
            task=name,
            numbers={"n": len(unseen), "of": len(examples)},
            rows=rows,
        )
