"""Status: one row for every system, with what is known about it."""

import traceback
from dataclasses import dataclass

from guerdon.atlas._claims import Claim
from guerdon.atlas._evidence import evidence_path, is_stale, kept
from guerdon.atlas._running import judge, measure
from guerdon.atlas._system import ATLAS, Entry, System, systems


@dataclass(frozen=True)
class Row:
    """A system's state.

    ``runs`` is true when its smoke experiment has just run or fresh evidence shows that the full one did, false when the file
    does not import or the smoke experiment failed (``problem`` says why), None when nobody has tried this version of the file.
    """

    slug: str
    family: str
    kind: str = ""
    title: str = ""
    runs: bool | None = None
    problem: str = ""
    verdict: str = ""
    seeds: int = 0
    duration_s: float = 0.0
    evidence: str = ""
    stale: bool = False
    date: str = ""


def status(smoke: bool = False) -> list[Row]:
    """The rows of all systems. With ``smoke`` every experiment is run at smoke scale (seconds each)."""
    return [_row(entry, smoke) for entry in systems()]


def _row(entry: Entry, smoke: bool) -> Row:
    try:
        check(entry)
        if smoke:
            judge(entry, measure(entry, "smoke"))
    except Exception as error:
        return Row(entry.slug, entry.family, runs=False, problem="".join(traceback.format_exception_only(error)).strip())
    about = {"kind": entry.system.kind, "title": entry.system.title}
    evidence = kept(entry)
    if evidence is None:
        return Row(entry.slug, entry.family, runs=True if smoke else None, **about)
    stale = is_stale(entry, evidence)
    return Row(
        entry.slug,
        entry.family,
        **about,
        runs=True if smoke or not stale else None,
        verdict=evidence.verdict.outcome,
        seeds=len(evidence.seeds),
        duration_s=evidence.duration_s,
        evidence=str(evidence_path(entry).relative_to(ATLAS.parent)),
        stale=stale,
        date=evidence.date,
    )


def check(entry: Entry) -> None:
    """Refuse a file that lacks one of the names a system has."""
    wanted = {"system": System, "claim": object, "SEEDS": dict, "experiment": object}
    for name, kind in wanted.items():
        if not isinstance(getattr(entry.module, name, None), kind):
            raise TypeError(f"{entry.path.name} has no {name}; see guerdon.atlas for what a system's file holds")
    if not isinstance(entry.claim, Claim):
        raise TypeError(f"the claim of {entry.path.name} cannot judge")
