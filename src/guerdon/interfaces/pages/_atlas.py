"""The atlas: what every system composes, what it claims and what came of it."""

import math
from collections.abc import Iterator, Mapping

from guerdon.atlas import Entry, Evidence, Verdict, status, systems
from guerdon.atlas._claims import leaves
from guerdon.atlas._evidence import kept
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
        verdict = row.verdict or ("the file does not load" if row.runs is False else "not measured yet")
        stale = " (of an earlier version of the file)" if row.stale else ""
        took = f"{row.seeds} seeds, {row.duration_s:.0f} s" if row.seeds else ""
        rows.append((f"[{row.slug}]({row.slug}.md)", row.family, row.kind, cell(row.title), f"{verdict}{stale}", took))
    return joined(
        "# Atlas",
        "One file per published system: what it composes, its headline claim in a form that can fail, and the experiment that decides it in the "
        "smallest world in which it can be tested. A verdict comes from a 95 % bootstrap interval over seeds: *holds*, *does not hold at this scale*, or "
        "*undecided*. A claim that does not hold is a finding about this scale, not about the paper's.",
        "`guerdon atlas run SLUG` measures again; `guerdon atlas show SLUG` prints all the code that runs.",
        table(("system", "family", "kind", "title", "verdict", "evidence"), rows),
    )


def _system(entry: Entry) -> str:
    system = entry.system
    evidence = kept(entry)
    summary, _, rest = (entry.module.__doc__ or "").strip().partition("\n")
    about = [("title", f"[{cell(system.title)}]({system.link})"), ("family", entry.family), ("kind", system.kind)]
    if system.builds_on:
        about.append(("builds on", cell(", ".join(system.builds_on))))
    if system.note:
        about.append(("note", cell(system.note)))
    return joined(
        f"# {entry.slug}",
        f"*{summary}*",
        prose(rest),
        table(("system", entry.slug), about),
        "## Claim",
        "\n".join(f"- {prose(str(leaf))}" for leaf in leaves(entry.claim)),
        *(_measured(evidence) if evidence else ["No evidence is kept yet: `guerdon atlas run " + entry.slug + "` measures it."]),
    )


def _measured(evidence: Evidence) -> list[str]:
    rows = [(cell(leaf.claim), _interval(leaf), f"**{leaf.outcome}**") for leaf in _leaves(evidence.verdict)]
    facts = f"{len(evidence.seeds)} seed{'s' if len(evidence.seeds) != 1 else ''}, scale {evidence.scale}, {evidence.duration_s:.0f} s on {evidence.cores} cores, {evidence.date}"
    versions = ", ".join(f"{name} {version}" for name, version in evidence.versions.items())
    return [
        "## Evidence",
        f"Verdict: **{evidence.verdict.outcome}** ({facts}; {versions}).",
        table(("claim", "estimate and 95 % interval", "outcome"), rows),
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


def _leaves(verdict: Verdict) -> Iterator[Verdict]:
    for part in verdict.parts:
        yield from _leaves(part)
    if not verdict.parts:
        yield verdict


def _interval(verdict: Verdict) -> str:
    if verdict.estimate is None:
        return ""
    ends = "" if verdict.low is None or not math.isfinite(verdict.low) else f" [{verdict.low:.4g}, {verdict.high:.4g}]"
    return code(f"{verdict.estimate:.4g}{ends}")
