"""Tables in Markdown of what was measured."""

from collections.abc import Sequence

from benchmarks.results import Results
from benchmarks.settings import SETTINGS
from benchmarks.views import Range, faster, fastest, leanest, measured, ratio, seconds, share, smaller
from benchmarks.workloads import HEADLINE, Job, growth

NONE = "–"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def side_by_side(runs: Sequence[Results], jobs: Sequence[Job] = HEADLINE) -> str:
    """Ours as shipped beside TRL's fastest settings."""
    rows = []
    for job in jobs:
        ours = measured(runs, job, "ours", "shipped")
        if not ours:
            continue
        plain, set_ = fastest(runs, job, False), fastest(runs, job, True)
        cells = [job.name, seconds_of(seconds(ours))]
        for setting in (plain, set_):
            found = measured(runs, job, "trl", setting) if setting else []
            cells.append(f"{seconds_of(seconds(found))} ({setting})" if found else NONE)
            cells.append(times(ratio(runs, job, setting, faster)))
        cells.append(f"{ours[0].memory + ours[0].helpers:.0f}")
        cells += [number(ratio(runs, job, plain, smaller)), number(ratio(runs, job, leanest(runs, job), smaller))]
        cells.append(percent(share(runs, job, "ours", "shipped")))
        rows.append(cells)
    head = [
        "job",
        "ours, s",
        "TRL as shipped, s",
        "ratio",
        "TRL, allocator set, s",
        "ratio",
        "ours, MB",
        "of TRL's",
        "of its leanest",
        "share",
    ]
    return table(head, rows)


def reached(runs: Sequence[Results], jobs: Sequence[Job] = HEADLINE) -> str:
    """What was to be reached, and what was."""
    rows = []
    for job in jobs:
        plain, set_ = fastest(runs, job, False), fastest(runs, job, True)
        found = (
            ratio(runs, job, plain, faster),
            ratio(runs, job, set_, faster),
            ratio(runs, job, plain, smaller),
            share(runs, job, "ours", "shipped"),
        )
        if not any(value and target for value, target in zip(found, job.targets, strict=True)):
            continue
        cells = [job.name]
        for i, (value, target) in enumerate(zip(found, job.targets, strict=True)):
            if target is None or value is None:
                cells.append(NONE)
                continue
            met = value.middle <= target if i == 2 else value.middle >= target
            shown, goal = (percent(value), f"{target:.0%}") if i == 3 else (number(value), f"{target:g}")
            cells.append(f"{shown} ({'≤' if i == 2 else '≥'} {goal}: {'reached' if met else '**not reached**'})")
        rows.append(cells)
    return table(["job", "TRL as shipped ÷ ours", "TRL, allocator set ÷ ours", "memory, ours ÷ TRL", "share of the rate"], rows)


def everything(runs: Sequence[Results], jobs: Sequence[Job]) -> str:
    """Each measurement."""
    rows = []
    for job in jobs:
        for library, settings in SETTINGS.items():
            for setting in settings:
                found = measured(runs, job, library, setting.name)
                if found:
                    s, m = seconds(found), found[0]
                    rate = f"{m.tokens / s.middle:,.0f}"
                    part = percent(share(runs, job, library, setting.name))
                    name = setting.name + (" (disturbed)" if any(m.disturbed for m in found) else "")
                    rows.append([job.name, library, name, ranged(s), rate, f"{m.memory:.0f} + {m.helpers:.0f}", part])
                for run in runs:
                    failed = run.find(job.key, library, setting.name)
                    if failed is not None and failed.failed:
                        rows.append([job.name, library, setting.name, failed.failed, NONE, NONE, NONE])
    return table(["job", "library", "setting", "seconds a step", "tokens a second", "MB + helpers", "share"], rows)


def grown(runs: Sequence[Results]) -> str:
    """How time and memory grow with one number of a GRPO step."""
    rows = []
    for job in growth():
        cells = [job.axis, job.name.split("=")[1]]
        for library, setting in (("ours", "shipped"), ("trl", fastest(runs, job, False))):
            found = measured(runs, job, library, setting) if setting else []
            cells += [seconds_of(seconds(found)), f"{found[0].memory + found[0].helpers:.0f}"] if found else [NONE, NONE]
        if cells[2] != NONE:
            rows.append(cells)
    return table(["what", "is", "ours, s", "ours, MB", "TRL as shipped, s", "TRL, MB"], rows)


def rates(runs: Sequence[Results]) -> str:
    """The machine's matrix products."""
    names = dict.fromkeys(name for run in runs for name in run.rates)
    rows = []
    for name in names:
        found = [run.rates[name] for run in runs if name in run.rates]
        rows.append([name, *(f"{Range.of([f[p] for f in found]).middle / 1e9:,.0f}" for p in ("bf16", "fp32"))])
    return table(["shapes of", "bf16, GFLOP/s", "fp32, GFLOP/s"], rows)


def ways(run: Results) -> str:
    """Attention of each model's size, forward and backward: the way that is taken, and the others."""
    rows, refused = [], []
    for size, kinds in run.ways.items():
        for kind, trial in kinds.items():
            timed = sorted(trial["seconds"].items(), key=lambda item: item[1])
            rows.append([size, kind, trial["chosen"] or NONE, "; ".join(f"{name} {1e3 * taken:.3g} ms" for name, taken in timed) or NONE])
            refused += [f"{name}: {reason}" for name, reason in trial["refused"].items()]
    if not rows:
        return ""
    told = "".join(f"\n* not taken: {reason}" for reason in dict.fromkeys(refused))
    return table(["attention, heads of", "sequences", "taken", "forward and backward, some thousand tokens"], rows) + told + "\n"


def profiles(run: Results) -> str:
    """One step of each job, and the operations that take most of it."""
    rows = []
    for name, found in run.profiles.items():
        most = "; ".join(f"{operation} {part:.0%}" for operation, part in found["operations"][:3])
        rows.append([name, f"{found['seconds']:.3g}", f"{found['busy']:.0%}", str(found["launches"]), str(found["waits"]), most])
    return table(["job", "step, s", "busy", "launches", "waits of the host", "most of its time"], rows)


# how numbers are shown


def seconds_of(value: Range) -> str:
    return f"{value.middle:.3g}"


def ranged(value: Range) -> str:
    return f"{value.middle:.3g} ({value.least:.3g} to {value.most:.3g})"


def times(value: Range | None) -> str:
    return NONE if value is None else f"**{value.middle:.1f}×**"


def number(value: Range | None) -> str:
    return NONE if value is None else f"{value.middle:.2g}" if value.middle < 10 else f"{value.middle:.0f}"


def percent(value: Range | None) -> str:
    return NONE if value is None else f"{value.middle:.0%}"
