import sys

import pytest

pytest.importorskip("datasets")


from pipeline.errors import DataError, MissingExtraError


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    import datasets

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture
def data_set(tmp_path) -> str:
    import datasets

    folder = tmp_path / "news"
    folder.mkdir()
    features = datasets.Features(
        {
            "text": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["sport", "war"]),
            "tags": datasets.List(datasets.ClassLabel(names=["x", "y"])),
        }
    )
    rows = {"text": ["one", "", "three"], "label": [1, 0, -1], "tags": [[1, 0], [], []]}
    data = datasets.Dataset.from_dict(rows, features=features)
    data.to_parquet(folder / "train.parquet")
    data.select([0]).to_parquet(folder / "test.parquet")
    return str(folder)


@pytest.mark.slow
def test_rows_are_streamed_with_the_names_of_their_classes(data_set: str, read) -> None:
    result = read({"hub": data_set, "split": "train"})

    assert [(row["text"], row["place"], row["extra"]) for row in result.rows] == [
        ("one", 1, '{"label":"war","tags":["y","x"]}'),
        ("three", 3, '{"label":null,"tags":[]}'),
    ]
    assert {row["source"] for row in result.rows} == {f"{data_set}:train"}
    assert {row["given_split"] for row in result.rows} == {"train"}
    assert result.reasons == [(2, "'text' is blank")]


@pytest.mark.slow
def test_another_part_of_the_data_set_can_be_read(data_set: str, read) -> None:
    assert [row["source"] for row in read({"hub": data_set, "rows": "test"}).rows] == [
        f"{data_set}:test"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("source", [{"rows": "nope"}, {"subset": "nope"}, {"hub": "no/such"}])
def test_a_data_set_that_cannot_be_read_is_an_error(source, data_set: str, read) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read({"hub": data_set, **source})


def test_the_missing_package_is_named_with_its_extra(read, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)

    with pytest.raises(MissingExtraError, match=r"a/b: .*pip install '\.\[hub\]'"):
        read({"hub": "a/b"})
