"""Status: one row for every system, with what is known about it."""

import traceback
from collections.abc import Collection
from dataclasses import dataclass

from guerdon.atlas._claims import Claim, leaves
from guerdon.atlas._evidence import evidence_path, is_stale, kept
from guerdon.atlas._running import judge, measure
from guerdon.atlas._system import ATLAS, Entry, System, systems
from guerdon.atlas._verdict import leaves as leaf_verdicts

WAITING = "waiting"


@dataclass(frozen=True)
class Row:
    """A system's state.

    ``runs`` is true when its smoke experiment has just run or fresh evidence shows that the full one did, false when the file
    does not import or the smoke experiment failed (``problem`` says why), None when nobody has tried this version of the file.
    ``verdict`` is that of a confirmation; without one, ``state`` says that nothing was confirmed. A system that waits for its world has the state "waiting", and
    ``waits_for`` says for what: what was confirmed is then of its part alone. ``leaves`` are the single claims with their outcomes.
    """

    slug: str
    family: str
    kind: str = ""
    title: str = ""
    read: str = ""
    runs: bool | None = None
    problem: str = ""
    verdict: str = ""
    state: str = "not confirmed"
    waits_for: str = ""
    leaves: tuple[str, ...] = ()
    seeds: int = 0
    confirmations: int = 0
    duration_s: float = 0.0
    evidence: str = ""
    stale: bool = False
    date: str = ""


def status(smoke: bool = False, only: Collection[str] | None = None) -> list[Row]:
    """The rows of all systems, or of those of these names. With ``smoke`` their experiments are run at smoke scale (seconds each)."""
    return [_row(entry, smoke) for entry in systems() if only is None or entry.slug in only]


def _row(entry: Entry, smoke: bool) -> Row:
    try:
        check(entry)
        if smoke:
            judge(entry, measure(entry, "smoke"))
    except Exception as error:
        return Row(entry.slug, entry.family, runs=False, problem="".join(traceback.format_exception_only(error)).strip())
    about = {"kind": entry.system.kind, "title": entry.system.title, "read": entry.system.read, "waits_for": entry.system.waits_for}
    waiting = {"state": WAITING} if entry.system.waits_for else {}
    evidence = kept(entry)
    if evidence is None or not evidence.history:
        return Row(entry.slug, entry.family, runs=True if smoke else None, **about, **waiting)
    stale = is_stale(entry, evidence)
    return Row(
        entry.slug,
        entry.family,
        **about,
        runs=True if smoke or not stale else None,
        verdict=evidence.verdict.outcome,
        **(waiting or {"state": "changed since" if stale else "confirmed"}),
        leaves=tuple(f"{leaf.outcome}: {leaf.claim}" for leaf in leaf_verdicts(evidence.verdict)),
        seeds=len(evidence.seeds),
        confirmations=len(evidence.history),
        duration_s=evidence.duration_s,
        evidence=str(evidence_path(entry).relative_to(ATLAS.parent)),
        stale=stale,
        date=evidence.date,
    )


def check(entry: Entry) -> None:
    """Refuse a file that lacks one of the names a system has, or that claims nothing which could come out otherwise."""
    for name, kind in {"system": System, "claim": Claim, "SEEDS": dict}.items():
        if not isinstance(getattr(entry.module, name, None), kind):
            raise TypeError(f"{entry.path.name} has no {name}; see guerdon.atlas for what a system's file holds")
    if not callable(getattr(entry.module, "experiment", None)) and not callable(getattr(entry.module, "trial", None)):
        raise TypeError(f"{entry.path.name} has neither experiment nor trial; see guerdon.atlas for what a system's file holds")
    if all(getattr(leaf, "by_construction", False) for leaf in leaves(entry.claim)):
        raise TypeError(f"every claim of {entry.path.name} holds by construction; add one against an arm that can do what the method does")
