"""The verdicts: every claim of every system, what it was matched by, and what was read before it was written."""

from collections import Counter
from collections.abc import Iterator

from guerdon.atlas import Entry, Evidence, Verdict, systems
from guerdon.atlas._evidence import is_stale, kept
from guerdon.atlas._verdict import OUTCOMES, leaves
from guerdon.interfaces.pages._atlas import interval, remark
from guerdon.interfaces.pages._markdown import cell, joined, table

HEAD = ("claim", "estimate and 95 % interval", "smallest effect of interest", "matched by", "by construction", "outcome")


def verdicts() -> str:
    """The page."""
    entries = systems()
    found = {entry: evidence for entry in entries if (evidence := kept(entry)) is not None and evidence.history}
    waiting = [entry for entry in entries if entry.system.waits_for]
    done = [entry for entry in found if entry not in waiting]
    count = Counter(found[entry].verdict.outcome for entry in done)
    summary = [(outcome, count[outcome]) for outcome in OUTCOMES] + [("not confirmed yet", len(entries) - len(waiting) - len(done))]
    if waiting:
        summary.append(("waiting for their world", len(waiting)))
    return joined(
        "# Verdicts",
        "What came of every system of the atlas, claim by claim. Arms were tuned with the same number of trials, on seeds that no verdict uses, with the best setting inside "
        "the grid; each verdict was drawn once, on seeds that follow from what is measured, so that nobody had seen them (`guerdon atlas confirm`). *Equal*: the difference, if "
        "there is one, is smaller than the smallest effect of interest. *By construction*: the claim could not have come out otherwise, which is why there is another beside it. "
        "The scale is that of the atlas, exact worlds and small models: a claim that does not hold here has not been refuted where its paper made it.",
        table(("verdict", "systems"), summary),
        *(block for entry in entries for block in _system(entry, found.get(entry))),
    )


def _system(entry: Entry, evidence: Evidence | None) -> Iterator[str]:
    yield f"## {entry.slug}"
    about = [entry.system.title, entry.family, f"read: {entry.system.read}" if entry.system.read else ""]
    yield cell("; ".join(part for part in about if part)) + "."
    if entry.system.waits_for:
        yield cell(f"**Waiting for {entry.system.waits_for}**: what is measured here is of its part alone.")
    if evidence is None:
        yield "Not confirmed yet."
        return
    tuned = "; ".join(f"{arm}: {', '.join(f'{k} {v}' for k, v in setting.items())}" for arm, setting in evidence.tuned.items())
    stale = " The file has changed since." if is_stale(entry, evidence) else ""
    confirmed = f"confirmation {len(evidence.history)}" if len(evidence.history) > 1 else "the first confirmation"
    seeds = "exact" if entry.system.exact else f"{len(evidence.seeds)} seeds"
    yield f"**{evidence.verdict.outcome}** ({seeds}, {evidence.date}, {confirmed}).{stale}"
    yield table(HEAD, (_leaf(leaf) for leaf in leaves(evidence.verdict)))
    yield cell(f"Tuned: {tuned}." if tuned else f"Nothing is tuned: {entry.system.untuned}.")
    if entry.system.note:
        yield cell(entry.system.note)


def _leaf(leaf: Verdict) -> tuple[str, ...]:
    effect = f"{leaf.effect:g}" if leaf.effect else ""
    return (
        cell(leaf.claim),
        interval(leaf),
        effect,
        cell(leaf.matched),
        "yes" if leaf.by_construction else "",
        f"**{leaf.outcome}**{remark(leaf)}",
    )
