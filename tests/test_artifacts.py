import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest

from pipeline import artifacts
from pipeline.artifacts import (
    digest_of,
    read_json,
    read_table,
    replacing,
    to_json,
    verify_bundle_folder,
    write_bundle_folder,
    write_json,
    write_table,
)
from pipeline.errors import BundleError, DataError


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def make_folder(path, content):
    path.mkdir()
    (path / "a.txt").write_text(content)


def test_a_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert names_in(path.parent) == ["a.txt"]


def test_a_folder_takes_the_place_of_one_with_other_files(tmp_path):
    make_folder(tmp_path / "a", "old")
    (tmp_path / "a" / "gone.txt").touch()
    with replacing(tmp_path / "a") as temporary:
        make_folder(temporary, "new")
        assert (tmp_path / "a" / "a.txt").read_text() == "old"
    assert (tmp_path / "a" / "a.txt").read_text() == "new"
    assert names_in(tmp_path / "a") == ["a.txt"]
    assert names_in(tmp_path) == ["a"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_an_error_in_the_block_leaves_the_old_and_nothing_else(tmp_path, kind):
    path = tmp_path / "a"
    make_folder(path, "old") if kind == "folder" else path.write_text("old")
    before = digest_of(path)
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        make_folder(temporary, "new") if kind == "folder" else temporary.write_text("new")
        raise RuntimeError
    assert digest_of(path) == before
    assert names_in(tmp_path) == ["a"]


def test_a_block_that_writes_nothing_is_an_error_and_leaves_the_old(tmp_path):
    make_folder(tmp_path / "a", "old")
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a"):
        pass
    assert (tmp_path / "a" / "a.txt").read_text() == "old"


def test_a_file_does_not_take_the_place_of_a_folder(tmp_path):
    make_folder(tmp_path / "a", "old")
    with pytest.raises(IsADirectoryError), replacing(tmp_path / "a") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "a" / "a.txt").read_text() == "old"


def test_files_get_the_permissions_that_the_user_gives_new_files(tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("")
    with replacing(tmp_path / "a") as temporary:
        temporary.write_text("")
    assert (tmp_path / "a").stat().st_mode == plain.stat().st_mode


def replace_again_and_again(path, content, times):
    for _ in range(times):
        with replacing(path) as temporary:
            make_folder(temporary, content)


def test_of_two_at_once_the_later_one_wins(tmp_path):
    path = tmp_path / "a"
    with replacing(path) as first, replacing(path) as second:
        make_folder(first, "first")
        make_folder(second, "second")
    assert (path / "a.txt").read_text() == "first"  # it ended last


def test_many_that_replace_one_folder_at_once_do_not_disturb_each_other(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(replace_again_and_again, [tmp_path / "a"] * 4, "wxyz", [50] * 4))
    assert (tmp_path / "a" / "a.txt").read_text() in set("wxyz")
    assert names_in(tmp_path) == ["a"]


def test_many_may_write_one_file_at_once(tmp_path):
    path = tmp_path / "a.json"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: write_json(path, [n] * 1000), range(50)))
    assert len(set(read_json(path))) == 1
    assert names_in(tmp_path) == ["a.json"]


def test_json_keeps_the_order_of_keys_and_takes_numpy(tmp_path):
    value = {"b": np.float32(0.5), "a": np.arange(2), 1: "né 🙂"}
    assert (
        to_json(value)
        == '{\n  "b": 0.5,\n  "a": [\n    0,\n    1\n  ],\n  "1": "né 🙂"\n}\n'.encode()
    )


def test_a_file_that_cannot_be_read_is_named_with_the_line(tmp_path):
    broken = tmp_path / "a.json"
    broken.write_text('{\n"a": 1,\n}')
    for read, path, message in (
        (read_json, broken, f"{broken}:2: not valid JSON"),
        (read_json, tmp_path / "b.json", f"{tmp_path}/b.json: there is no such file"),
        (read_table, broken, f"{broken}: not a Parquet file that can be read"),
        (read_table, tmp_path / "b.parquet", f"{tmp_path}/b.parquet: there is no such file"),
        (digest_of, tmp_path / "b", f"{tmp_path}/b: there is no such file"),
    ):
        with pytest.raises(DataError) as error:
            read(path)
        assert str(error.value).startswith(message)


def test_equal_tables_give_equal_bytes(tmp_path):
    table = pa.table({"a": ["x", None, "ש"], "b": [[1], [], None]})
    write_table(tmp_path / "1.parquet", table)
    write_table(tmp_path / "2.parquet", table)
    assert digest_of(tmp_path / "1.parquet") == digest_of(tmp_path / "2.parquet")
    assert read_table(tmp_path / "1.parquet") == table
    assert read_table(tmp_path / "1.parquet", ["b"]).column_names == ["b"]


def test_the_digest_of_a_folder_sees_names_content_and_place_but_not_the_order_of_making(tmp_path):
    def digest(*files):
        shutil.rmtree(tmp_path / "a", ignore_errors=True)
        for name, content in files:
            (tmp_path / "a" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "a" / name).write_text(content)
        return digest_of(tmp_path / "a")

    first = digest(("x", "1"), ("y", "2"))
    assert digest(("y", "2"), ("x", "1")) == first
    others = {digest(("x", "2"), ("y", "1")), digest(("x", "1"), ("z", "2")),
              digest(("x", "1"), ("d/y", "2")), digest(("x", "12"), ("y", ""))}  # fmt: skip
    assert len(others | {first}) == 5
    os.utime(tmp_path / "a" / "x", (0, 0))
    assert digest_of(tmp_path / "a") in others


def test_the_digest_of_a_file_is_its_sha_256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert digest_of(tmp_path / "a").startswith("ba7816bf8f01cfea414140de5dae2223")


@pytest.fixture
def bundle(tmp_path):
    def write(folder):
        (folder / "a.json").write_text("{}")
        (folder / "part").mkdir()
        (folder / "part" / "b.bin").write_bytes(bytes(range(256)))

    write_bundle_folder(tmp_path / "model", write)
    return tmp_path / "model"


def test_a_bundle_as_it_was_written_has_a_version(bundle):
    version = verify_bundle_folder(bundle)
    assert len(version) == 12
    assert int(version, 16)
    shutil.copytree(bundle, bundle.parent / "copy")
    assert verify_bundle_folder(bundle.parent / "copy") == version


def change_byte(bundle):
    content = bytearray((bundle / "part" / "b.bin").read_bytes())
    content[7] ^= 1
    (bundle / "part" / "b.bin").write_bytes(content)


def rewrite_seal(change):
    def damage(bundle):
        seal = bundle / artifacts.DIGESTS
        seal.write_bytes(change(seal.read_bytes()))

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (change_byte, "{}/part/b.bin: changed since the model was written"),
        (lambda b: (b / "part" / "b.bin").unlink(), "{}/part/b.bin: missing; the model is refused"),
        (lambda b: (b / "a.json").write_text("{} "), "{}/a.json: changed since"),
        (lambda b: (b / "c.json").touch(), "{}/c.json: not a file of the model"),
        (lambda b: (b / artifacts.DIGESTS).unlink(), "{}: not a Slant model: it has no digests"),
        (rewrite_seal(lambda s: s + b" "), "{}/digests.json: changed since"),
        (rewrite_seal(lambda s: s.replace(b"  ", b" ")), "{}/digests.json: changed since"),
        (rewrite_seal(lambda s: s[:-3]), "{}/digests.json: changed since"),
        (rewrite_seal(lambda _: b"[]\n"), "{}/digests.json: changed since"),
        (rewrite_seal(lambda s: s.replace(b'": "', b'": "0', 1)), "{}/a.json: changed since"),
        (rewrite_seal(lambda _: b"{}\n"), "{}/a.json: not a file of the model"),
        (shutil.rmtree, "{}: there is no such folder; name the model folder of a run"),
    ],
)  # fmt: skip
def test_a_bundle_that_is_not_as_it_was_written_is_refused(bundle, damage, message):
    damage(bundle)
    with pytest.raises(BundleError) as error:
        verify_bundle_folder(bundle)
    assert str(error.value).startswith(message.format(bundle))


def test_a_file_is_no_bundle(bundle):
    with pytest.raises(BundleError, match="this is a file; name the model folder"):
        verify_bundle_folder(bundle / "a.json")


def test_a_hidden_file_that_a_file_manager_leaves_does_no_harm(bundle):
    (bundle / ".DS_Store").touch()
    verify_bundle_folder(bundle)
