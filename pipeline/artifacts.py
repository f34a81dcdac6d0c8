"""The files of a run: their names, and reading and writing them whole or not at all."""

import errno
import fcntl
import hashlib
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import BundleError, DataError, UnavailableError

COMPRESSION: Final = "zstd"
_REPEATS: Final = "repeats"
# Finer than any data set can tell, coarser than the last bits in which processors differ.
DIGITS: Final = 6


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run; every file name in it is given here and nowhere else."""

    path: Path

    @classmethod
    def of(cls, folder: Path | None, name: str) -> "RunFolder":
        """Return the run in `folder`, or where none is asked for the one of this name."""
        return cls(folder if folder is not None else Path("runs") / name)

    def label(self) -> str:
        """Return what people call the run: its folder, and for a repetition what it repeats."""
        if self.path.parent.name == _REPEATS:
            return f"{self.path.parent.parent.name}: {self.path.name}"
        return self.path.name

    @property
    def articles(self) -> Path:
        """Accepted articles, records.ARTICLES."""
        return self.path / "articles.parquet"

    @property
    def rejects(self) -> Path:
        """Rows that could not be read: file, place, reason, the row's beginning."""
        return self.path / "rejects.jsonl"

    @property
    def copies(self) -> Path:
        """Articles that were left out because another one of their story stays, and which."""
        return self.path / "copies.jsonl"

    @property
    def examples(self) -> Path:
        """Examples with their gold, records.EXAMPLES."""
        return self.path / "examples.parquet"

    @property
    def annotations(self) -> Path:
        """Every coder's answers, records.ANNOTATIONS."""
        return self.path / "annotations.parquet"

    @property
    def agreement(self) -> Path:
        """How far the coders agree, on what they differ, and how gold was decided."""
        return self.path / "agreement.json"

    @property
    def disputed(self) -> Path:
        """Answered examples that have no gold, for people to decide: records.WORKLIST as lines."""
        return self.path / "disputed.jsonl"

    @property
    def outdated(self) -> Path:
        """Examples to code again under the present codebook: records.WORKLIST as lines."""
        return self.path / "outdated.jsonl"

    @property
    def splits(self) -> Path:
        """The side of each article, records.SPLITS."""
        return self.path / "splits.parquet"

    @property
    def account(self) -> Path:
        """What the split did: counts, and what it set aside and why."""
        return self.path / "split.json"

    @property
    def votes(self) -> Path:
        """What labelling functions say of the examples, records.VOTES."""
        return self.path / "votes.parquet"

    @property
    def vote_account(self) -> Path:
        """How often each labelling function votes, and how often it is right."""
        return self.path / "votes.json"

    @property
    def soft_labels(self) -> Path:
        """What the votes make of uncoded examples of the train side, records.SOFT_LABELS."""
        return self.path / "soft_labels.parquet"

    @property
    def audit(self) -> Path:
        """What the audit found: leaks between the sides, and what gives the labels away."""
        return self.path / "audit.json"

    @property
    def features(self) -> Path:
        """Folder of what featurize fitted and counted."""
        return self.path / "features"

    @property
    def model(self) -> Path:
        """The bundle."""
        return self.path / "model"

    @property
    def blind_model(self) -> Path:
        """The bundle of the target tasks trained without their targets, to compare with."""
        return self.path / "model-blind"

    @property
    def checkpoints(self) -> Path:
        """Folder of half-done training, which the next start goes on with; gone when it ends."""
        return self.path / ".checkpoints"

    @property
    def selection(self) -> Path:
        """What was tried in training and how each try did on held-out data."""
        return self.path / "selection.json"

    @property
    def heldout(self) -> Path:
        """Dev examples scored by the model that did not see them, records.SCORED."""
        return self.path / "heldout.parquet"

    @property
    def behaviour(self) -> Path:
        """What the tests of behaviour found, with failing examples."""
        return self.path / "behaviour.json"

    @property
    def metrics(self) -> Path:
        """The scores."""
        return self.path / "metrics.json"

    @property
    def predictions(self) -> Path:
        """Scored examples of all test sides, records.SCORED."""
        return self.path / "predictions.parquet"

    @property
    def report(self) -> Path:
        """The page that people read."""
        return self.path / "report.html"

    @property
    def card(self) -> Path:
        """The model card."""
        return self.path / "model-card.md"

    @property
    def plots(self) -> Path:
        """Folder of the plots."""
        return self.path / "plots"

    @property
    def config(self) -> Path:
        """The config in full, defaults included."""
        return self.path / "config.json"

    def repeat(self, name: str) -> "RunFolder":
        """The folder of one of several runs of the experiment."""
        return RunFolder(self.path / _REPEATS / name)

    @property
    def repeats(self) -> Path:
        """What the scores of the repetitions are on average."""
        return self.path / "repeats.json"

    def trial(self, name: str) -> "RunFolder":
        """The folder of one trial of a search."""
        return RunFolder(self.path / "trials" / name)

    @property
    def training(self) -> Path:
        """The MLflow run with the curves of the training, where it has any."""
        return self.path / "training.json"

    @property
    def tracking(self) -> Path:
        """The MLflow run that records this one."""
        return self.path / "tracking.json"

    @property
    def stages(self) -> Path:
        """Folder of what each stage last ran with."""
        return self.path / ".stages"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place when the block ends well.

    The block may write a file or make a folder there; after an error nothing is left of it, and
    what was at `path` is there still. Of several processes that do this at once the last one wins.
    """
    holder = _folder_beside(path)
    try:
        temporary = holder / path.name
        yield temporary
        if temporary.is_dir():
            _replace_folder(temporary, path, holder / ".old")
        else:
            os.replace(temporary, path)  # noqa: PTH105  (Path.replace is the same call)
    finally:
        shutil.rmtree(holder, ignore_errors=True)


def _folder_beside(path: Path) -> Path:
    """Make a new hidden folder beside `path`; UnavailableError where there cannot be one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise UnavailableError(
            f"{path}: {path.parent} cannot be written to ({error.strerror})"
        ) from None


def _replace_folder(temporary: Path, path: Path, old: Path) -> None:
    """Move `temporary` to `path`; a folder that is there is moved to `old` first."""
    while True:
        try:
            temporary.rename(path)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        else:
            return
        # Of two processes the slower one finds the old folder gone, or a new one in its place.
        shutil.rmtree(old, ignore_errors=True)
        with suppress(FileNotFoundError):
            path.rename(old)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait until no other process holds the lock of `path`, a file beside it that stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, in the order of its keys."""
    with replacing(path) as temporary:
        temporary.write_bytes(to_json(value))


def to_json(value: Any) -> bytes:
    """Return `value` as indented JSON with a newline at its end."""
    return orjson.dumps(
        value,
        option=orjson.OPT_INDENT_2
        | orjson.OPT_APPEND_NEWLINE
        | orjson.OPT_SERIALIZE_NUMPY
        | orjson.OPT_NON_STR_KEYS,  # an enum's name is a key too
    )


def rounded(value: Any) -> Any:
    """Round every float inside `value`; what is not a number becomes None."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    if isinstance(value, float):
        return round(value, DIGITS) if math.isfinite(value) else None
    return value


def read_json(path: Path) -> Any:
    """Read one JSON file of a run; DataError where it is missing or broken."""
    try:
        return orjson.loads(path.read_bytes())
    except OSError as error:
        raise _unreadable(path, error) from None
    except orjson.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: not valid JSON ({error.msg})") from None


def _unreadable(path: Path, error: OSError) -> DataError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return DataError(f"{path}: there is no such file")
    return DataError(f"{path}: cannot be read ({error.strerror or error})")


def write_table(path: Path, table: pa.Table) -> None:
    """Write `table` as Parquet."""
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression=COMPRESSION)


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Read a Parquet file of a run; DataError where it is missing or broken."""
    try:
        return pq.read_table(path, columns=columns)
    except OSError as error:
        raise _unreadable(path, error) from None
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: not a Parquet file that can be read ({error})") from None


def digest_of(path: Path) -> str:
    """SHA-256 of a file, or of a folder's files with their names; hexadecimal.

    DataError where there is neither, or it cannot be read.
    """
    if path.is_dir():
        digest = hashlib.sha256()
        for file in sorted(file for file in path.rglob("*") if file.is_file()):
            digest.update(f"{file.relative_to(path).as_posix()}\0{digest_of(file)}\0".encode())
        return digest.hexdigest()
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from None


# The list of a bundle's files and their digests.
DIGESTS: Final = "digests.json"
# In a bundle, a folder for each encoder or tokenizer that its tasks run.
ENCODERS: Final = "encoders"


def write_bundle_folder(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a new folder, seal it with the digests of its files, put it at `path`."""
    with replacing(path) as temporary:
        temporary.mkdir()
        write(temporary)
        files = sorted(file for file in temporary.rglob("*") if file.is_file())
        for file in files:  # some libraries write what only the owner can read
            file.chmod(0o666 & ~_umask())
        digests = {file.relative_to(temporary).as_posix(): digest_of(file) for file in files}
        (temporary / DIGESTS).write_bytes(to_json(digests))


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def verify_bundle_folder(path: Path) -> str:
    """Check every file of a bundle against its digest; return the bundle's own, 12 digits.

    BundleError names the first file that is missing, changed or not of the bundle.
    """
    if not path.is_dir():
        what = "this is a file" if path.exists() else "there is no such folder"
        named = "runs/<name>/model"
        if repeats := sorted((path.parent / _REPEATS).glob("*/model")):
            what, named = "the run was repeated, and each repetition has its own", str(repeats[0])
        raise BundleError(f"{path}: {what}; name the model folder of a run, {named}")
    seal = path / DIGESTS
    if not seal.is_file():
        meant = RunFolder(path).model
        hint = f"; did you mean {meant}?" if (meant / DIGESTS).is_file() else ""
        raise BundleError(f"{path}: not a Slant model: it has no {DIGESTS}{hint}")
    content = seal.read_bytes()
    try:
        digests = orjson.loads(content)
        intact = isinstance(digests, dict) and to_json(digests) == content
    except orjson.JSONDecodeError:
        intact = False
    if not intact:
        raise BundleError(f"{seal}: changed since the model was written; the model is refused")
    for name, digest in digests.items():
        if not (path / name).is_file():
            raise BundleError(f"{path / name}: missing; the model is refused")
        if digest_of(path / name) != digest:
            raise BundleError(
                f"{path / name}: changed since the model was written (its SHA-256 is not the one "
                f"in {DIGESTS}); the model is refused"
            )
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        # File managers leave hidden files of their own, and no model reads one.
        if file.is_file() and name not in {*digests, DIGESTS} and not file.name.startswith("."):
            raise BundleError(f"{file}: not a file of the model; the model is refused")
    return hashlib.sha256(content).hexdigest()[:12]


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write one JSON object a line."""
    with replacing(path) as temporary, temporary.open("wb") as stream:
        for row in rows:
            stream.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
