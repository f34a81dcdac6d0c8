"""What ingest did, in words."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from pipeline.config import PersonalData
from pipeline.ingest import Batch, Reject, RejectKind

_NOUNS: Final = {
    PersonalData.EMAIL: "e-mail address",
    PersonalData.PHONE: "telephone number",
    PersonalData.URL: "URL",
    PersonalData.HANDLE: "handle",
}


@dataclass
class Tally:
    """Counts of what came out of the batches so far."""

    articles: int = 0
    rejected: Counter[RejectKind] = field(default_factory=Counter)
    first: Reject | None = None
    pieces: int = 0
    masked: Counter[PersonalData] = field(default_factory=Counter)

    @property
    def rejects(self) -> int:
        """Rejects of every kind."""
        return self.rejected.total()

    def add(self, batch: Batch) -> None:
        """Count what is in a batch."""
        self.articles += len(batch.articles)
        self.rejected.update(reject.kind for reject in batch.rejects)
        if self.first is None and batch.rejects:
            self.first = batch.rejects[0]
        self.pieces += batch.pieces
        self.masked += batch.masked

    def words(self, copies: int) -> str:
        """Return the counts; those that are none are left out, but for articles and rejects.

        `copies` of the articles were left out afterwards.
        """
        told = [
            counted(self.articles - copies, "article"),
            counted(self.rejected[RejectKind.UNREADABLE], "reject"),
        ]
        if others := self.rejected[RejectKind.LANGUAGE]:
            told.append(f"{others:,} in other languages")
        if repeated := self.rejected[RejectKind.REPEATED]:
            told.append(f"{repeated:,} repeated")
        if copies:
            told.append(f"{copies:,} cop{'y' if copies == 1 else 'ies'} left out")
        if self.pieces:
            told.append(f"{counted(self.pieces, 'piece')} set apart")
        masks = [
            counted(self.masked[kind], noun) for kind, noun in _NOUNS.items() if self.masked[kind]
        ]
        if masks:
            told.append(f"masked: {', '.join(masks)}")
        return ", ".join(told)


def counted(number: int, noun: str) -> str:
    """Return `1,200 articles`; the plural is that of `address` too."""
    ending = "" if number == 1 else "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}{ending}"
