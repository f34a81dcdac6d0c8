from collections import Counter

import pyarrow as pa

from pipeline.config import PersonalData
from pipeline.ingest import Batch, Reject, RejectKind
from pipeline.records import ARTICLES
from pipeline.stages.tally import Tally


def batch(articles, rejects=(), **counts):
    rows = [
        dict.fromkeys(ARTICLES.names) | {"id": str(at), "text": "t", "source": "s", "place": at}
        for at in range(articles)
    ]
    listed = [Reject("s", 1, "a reason", "", kind) for kind in rejects]
    return Batch(pa.Table.from_pylist(rows, schema=ARTICLES), listed, {}, **counts)


def told(*batches, copies=0):
    tally = Tally()
    for each in batches:
        tally.add(each)
    return tally.words(copies)


def test_what_did_not_happen_is_not_told():
    assert told(batch(1)) == "1 article, 0 rejects"


def test_everything_is_counted_over_the_batches():
    masked = Counter({PersonalData.EMAIL: 2, PersonalData.HANDLE: 1})
    kinds = [RejectKind.LANGUAGE, RejectKind.UNREADABLE, RejectKind.LANGUAGE]
    words = told(batch(3, kinds, masked=masked, pieces=1), batch(2, masked=masked), copies=1)
    assert words == (
        "4 articles, 1 reject, 2 in other languages, 1 copy left out, 1 piece set apart, "
        "masked: 4 e-mail addresses, 2 handles"
    )
