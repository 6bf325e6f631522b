"""The page docs/performance.md: what stands between its two marks is written from what was measured."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks import plots, tables
from benchmarks.results import Results
from benchmarks.workloads import CARD, HEADLINE

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"
IMAGES = ROOT / "docs" / "images"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def write(runs: Sequence[Results], page: Path = PAGE, images: Path = IMAGES) -> None:
    """Replace what the page says of measurements, and the plots beside it."""
    text = page.read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    page.write_text(f"{before}{BEGIN}\n\n{section(runs, images)}\n{END}{after}")


def section(runs: Sequence[Results], images: Path) -> str:
    """Tables and plots of all runs; those on a GPU by themselves."""
    on_gpus = [run for run in runs if run.machine.get("gpu")]
    runs = [run for run in runs if not run.machine.get("gpu")]
    if not any(run.measurements for run in runs):
        return "Nothing has been measured yet: `make bench`.\n"
    images.mkdir(parents=True, exist_ok=True)
    pieces = [described(runs), tables.rates(runs), "### Beside TRL\n", tables.side_by_side(runs), _LEGEND]
    if plots.side_by_side(runs, images / "performance.png"):
        pieces.append("![Seconds a step and peak memory of every job, ours and TRL](images/performance.png)\n")
    pieces += ["### What was to be reached\n", tables.reached(runs)]
    if plots.growing(runs, images / "growth.png"):
        pieces += ["### How time and memory grow\n", _GROWTH, tables.grown(runs)]
        pieces.append("![Seconds a step and peak memory over each number that was varied](images/growth.png)\n")
    pieces += ["### On a GPU\n", _GPU] * bool(on_gpus)
    for run in on_gpus:
        pieces += [described([run]), tables.side_by_side([run], tuple({job.key: job for job in (*CARD, *HEADLINE)}.values()))]
        pieces += [tables.profiles(run)] * bool(run.profiles)
    pieces += ["### Every measurement\n", tables.everything(runs, HEADLINE)]
    return "\n".join(pieces)


def described(runs: Sequence[Results]) -> str:
    """The machine in a sentence."""
    it = runs[0].machine
    versions = ", ".join(f"{name} {it[name]}" for name in ("torch", "transformers", "trl", "peft") if it.get(name))
    on = it.get("gpu") or f"{it['cores']} cores of {it['processor']}, {it.get('memory_gb', '?')} GB"
    many = "one run" if len(runs) == 1 else f"{len(runs)} runs, medians of them"
    return f"Measured on {on}; {versions}; {many}.\n"


_LEGEND = (
    "Seconds: the median step. Ratio: time a token, TRL's fastest setting (in brackets) against ours as shipped. MB: peak above the idle process, "
    "helper processes included; as a part of that of TRL's fastest setting as shipped, and of that of its leanest one. Share: needed arithmetic a "
    "second, of the machine's measured matrix products.\n"
)
_GROWTH = "GRPO on the 6M body: 4 prompts of 64 tokens, 8 completions of up to 64, a vocabulary of 4096, and one of these changed.\n"
_GPU = (
    "All that is fast above is made for CPUs. A GPU does the arithmetic of models this small in a few milliseconds and then waits for the next kernel to be "
    "launched, as the share shows. Nothing is known here of larger models. These figures are older than what was made for cards since (below).\n"
)
