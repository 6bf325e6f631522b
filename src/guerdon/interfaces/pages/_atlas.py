"""The atlas: what every system composes, what it claims and what came of it."""

import math
from collections.abc import Iterator, Mapping

from guerdon.atlas import Entry, Evidence, Verdict, status, systems
from guerdon.atlas._claims import leaves
from guerdon.atlas._evidence import kept
from guerdon.atlas._tuning import Tuning, kept_tuning
from guerdon.atlas._verdict import leaves as leaf_verdicts
from guerdon.interfaces.pages._markdown import cell, code, joined, prose, table


def atlas_pages() -> dict[str, str]:
    """The status of all systems, and a page for each."""
    pages = {"atlas/index.md": _index()}
    for entry in systems():
        pages[f"atlas/{entry.slug}.md"] = _system(entry)
    return pages


def _index() -> str:
    rows = []
    for row in status():
        verdict = row.verdict or ("the file does not load" if row.runs is False else "not confirmed yet")
        stale = " (of an earlier version of the file)" if row.stale else ""
        if row.waits_for:
            verdict = f"waiting for {cell(row.waits_for)}; of its part alone: {verdict}"
        took = f"{row.seeds} seeds, {row.duration_s:.0f} s" if row.seeds else ""
        rows.append((f"[{row.slug}]({row.slug}.md)", row.family, row.kind, cell(row.title), f"{verdict}{stale}", took))
    return joined(
        "# Atlas",
        "One file per published system: what it composes, its headline claim in a form that can fail, and the experiment that decides it in the "
        "smallest world in which it can be tested. A verdict comes from a 95 % bootstrap interval over seeds that nobody had seen: *holds*, *does not hold at this scale*, "
        "*equal* (the difference is smaller than the smallest of interest) or *undecided*. A claim that does not hold is a finding about this scale, not about the paper's. "
        "What each verdict rests on, claim by claim, is on the page on [verdicts](../verdicts.md).",
        "`guerdon atlas run SLUG` explores; `guerdon atlas confirm SLUG` draws the verdict; `guerdon atlas show SLUG` prints all the code that runs.",
        table(("system", "family", "kind", "title", "verdict", "evidence"), rows),
    )


def _system(entry: Entry) -> str:
    system = entry.system
    evidence = kept(entry)
    summary, _, rest = (entry.module.__doc__ or "").strip().partition("\n")
    about = [("title", f"[{cell(system.title)}]({system.link})"), ("family", entry.family), ("kind", system.kind)]
    if system.builds_on:
        about.append(("builds on", cell(", ".join(system.builds_on))))
    if system.read:
        about.append(("read before it was written", system.read))
    if system.untuned:
        about.append(("nothing is tuned", cell(system.untuned)))
    if system.waits_for:
        about.append(("waits for", cell(system.waits_for)))
    if system.note:
        about.append(("note", cell(system.note)))
    return joined(
        f"# {entry.slug}",
        f"*{summary}*",
        prose(rest),
        table(("system", entry.slug), about),
        "## Claim",
        "\n".join(f"- {prose(str(leaf))}" for leaf in leaves(entry.claim)),
        *_tuned(kept_tuning(entry)),
        *(
            _measured(evidence)
            if evidence and evidence.history
            else ["Not confirmed yet: `guerdon atlas confirm " + entry.slug + "` draws the verdict."]
        ),
    )


def _measured(evidence: Evidence) -> list[str]:
    rows = [(cell(leaf.claim), interval(leaf), f"**{leaf.outcome}**{remark(leaf)}") for leaf in leaf_verdicts(evidence.verdict)]
    earlier = [(c.date, c.seeds, c.outcome, code(c.source)) for c in evidence.history]
    facts = f"{len(evidence.seeds)} seed{'s' if len(evidence.seeds) != 1 else ''}, scale {evidence.scale}, {evidence.duration_s:.0f} s on {evidence.cores} cores, {evidence.date}"
    versions = ", ".join(f"{name} {version}" for name, version in evidence.versions.items())
    return [
        "## Evidence",
        f"Verdict: **{evidence.verdict.outcome}** ({facts}; {versions}).",
        table(("claim", "estimate and 95 % interval", "outcome"), rows),
        "Every confirmation there has been, each of what was measured then and on seeds of its own:",
        table(("date", "seeds", "outcome", "of"), earlier),
        *_numbers(evidence),
    ]


def _numbers(evidence: Evidence) -> Iterator[str]:
    """Means over seeds: one table for plain numbers, one for every curve."""
    plain, curves = {}, {}
    for arm, measures in evidence.numbers.items():
        for name, series in measures.items():
            (curves if isinstance(series, Mapping) else plain).setdefault(name, {})[arm] = series
    arms = list(evidence.numbers)
    if plain:
        yield table(("mean over seeds", *plain), ((cell(arm), *(_mean(plain[n].get(arm)) for n in plain)) for arm in arms))
    for name, by_arm in curves.items():
        points = sorted({x for series in by_arm.values() for x in series})
        rows = [(cell(arm), *(_mean(series.get(x)) for x in points)) for arm, series in by_arm.items()]
        yield table((cell(name), *(f"{x:g}" for x in points)), rows)


def _mean(values: list[float] | None) -> str:
    return f"{sum(values) / len(values):.4g}" if values else ""


def _tuned(tuning: Tuning | None) -> Iterator[str]:
    """The settings that were chosen, and from how many."""
    if tuning is None:
        return
    yield "## Tuning"
    yield f"By {tuning.by}, mean over {len(tuning.seeds)} seeds that no verdict uses."
    rows = []
    for arm, setting in tuning.chosen.items():
        tried = [trial for trial in tuning.trials if trial.arm == arm]
        best = next(trial for trial in tried if trial.setting == setting)
        values = {name: sorted({t.setting[name] for t in tried}, key=lambda v: (isinstance(v, str), v)) for name in setting}
        shown = "; ".join(f"{name} **{_spelled(value)}** of {', '.join(map(_spelled, values[name]))}" for name, value in setting.items())
        edge = f" (at the edge: {', '.join(tuning.at_edge[arm])})" if arm in tuning.at_edge else ""
        rows.append((cell(arm), shown + edge, len(tried), f"{best.mean():.4g}"))
    yield table(("arm", "setting", "trials", tuning.by), rows)


def remark(leaf: Verdict) -> str:
    """What else has to be known of a claim."""
    said = [*(["by construction"] if leaf.by_construction else []), *([leaf.why] if leaf.why else [])]
    return f" ({'; '.join(said)})" if said else ""


def interval(verdict: Verdict) -> str:
    """Estimate and interval of a claim, as code."""
    if verdict.estimate is None:
        return ""
    ends = "" if verdict.low is None or not math.isfinite(verdict.low) else f" [{verdict.low:.4g}, {verdict.high:.4g}]"
    return code(f"{verdict.estimate:.4g}{ends}")


def _spelled(value: float | str) -> str:
    """A setting: a number, or the name of what was tried."""
    return value if isinstance(value, str) else f"{value:g}"
