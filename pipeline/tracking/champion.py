"""Which version of a registered model is `@champion`, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from mlflow import MlflowClient

ALIAS: Final = "champion"
Promote: TypeAlias = Literal["better", "always", "never"]

HOW: Final = "to change it: --set track.promote=always"


@dataclass(frozen=True)
class Verdict:
    """Whether a version became the champion, and the reason in a sentence."""

    champion: bool
    sentence: str


def judge(client: "MlflowClient", name: str, version: str, promote: Promote) -> Verdict:
    """Make the version `@champion` where it deserves it; write the verdict on the version."""
    holder = client.get_registered_model(name).aliases.get(ALIAS)
    mine = client.get_model_version(name, version).tags
    theirs = client.get_model_version(name, str(holder)).tags if holder else None
    verdict = decide(promote, mine, theirs, str(holder))
    if verdict.champion:
        client.set_registered_model_alias(name, ALIAS, version)
    client.set_model_version_tag(name, version, "verdict", verdict.sentence)
    return verdict


def decide(
    promote: Promote, mine: Mapping[str, str], theirs: Mapping[str, str] | None, holder: str
) -> Verdict:
    """Compare the tags of a new version with the champion's (None: there is none).

    Scores on different dev data or under another codebook do not compare, whatever they are.
    """
    stays = f"version {holder} stays the champion"
    if promote == "never":
        kept = "there is no champion" if theirs is None else stays
        return Verdict(False, f"track.promote is never: {kept}")
    if theirs is None:
        return Verdict(True, "the first champion")
    if promote == "always":
        return Verdict(True, f"champion in place of version {holder}: track.promote is always")
    if (why := _not_comparable(mine, theirs, holder)) is not None:
        return Verdict(False, f"{why}: {stays}; {HOW}")
    new, old = float(mine["dev_macro_f1"]), float(theirs["dev_macro_f1"])
    numbers = f"dev macro-F1 {new:.4f} against {old:.4f} of version {holder}"
    if new > old:
        return Verdict(True, f"better, so the new champion: {numbers}")
    return Verdict(False, f"not better: {numbers}, which stays the champion")


def _not_comparable(mine: Mapping[str, str], theirs: Mapping[str, str], holder: str) -> str | None:
    whose = {"this version": mine, f"version {holder}": theirs}
    for key, what in (("dev_macro_f1", "dev score"), ("dev_digest", "record of its dev data")):
        for who, tags in whose.items():
            if key not in tags:
                return f"{who} has no {what}, so they do not compare"
    if mine.get("codebook") != theirs.get("codebook"):
        return (
            f"codebook {mine.get('codebook')!r} is not version {holder}'s "
            f"{theirs.get('codebook')!r}, so the scores do not compare"
        )
    if mine["dev_digest"] != theirs["dev_digest"]:
        return f"the dev data are not version {holder}'s, so the scores do not compare"
    return None
