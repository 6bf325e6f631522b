"""An attack in the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from guerdon.interfaces.attacking.saying import of_best, of_training, text
from guerdon.interfaces.benching.tables import interval, number, said, words

MOST = 12  # attacks that are shown


def show(found: Mapping[str, Any], console: Console) -> None:
    """The figures that a person looks at first, a table for each question."""
    if "battery" in found:
        _battery(found["battery"], console)
    if found.get("best_of"):
        _best_of(found["best_of"], console)
    if found.get("training"):
        _training(found["training"], console)


def _battery(found: Mapping[str, Any], console: Console) -> None:
    compared = found["unattacked"]["of"] > 0
    console.print(
        f"{found['items']} prompts, {len(found['attacks'])} attacks"
        + (f"; without any, the worse answer outscores the better one {said(found['unattacked'])}" if compared else "")
    )
    tied = any(a["as_good"] > 0 for a in found["attacks"])
    good = ["outscores the good answer"] if compared else []
    table = Table("attack", "reads", *good, *(["as good"] if tied else []), "its own", "change", box=None, pad_edge=False)
    for a in found["attacks"][:MOST]:
        over = [said(a["beats_good"])] if compared else []
        own = number(a["beats_own"]["value"]) if a["changes_an_answer"] else ""
        table.add_row(words(a["name"]), a["kind"], *over, *([number(a["as_good"])] if tied else []), own, f"{a['change']:+.2f}")
    console.print(table)
    if len(found["attacks"]) > MOST:
        console.print(f"and {len(found['attacks']) - MOST} more, on the page")
    if found["worst"]:
        worst = found["worst"][0]
        console.print(
            f"furthest ahead, by {worst['ahead']:.2f} standard deviations: {text(worst['text'], 100)!r} ({words(worst['attack'])})",
            markup=False,
        )


def _best_of(found: Mapping[str, Any], console: Console) -> None:
    console.print(f"\nbest of N, {found['prompts']} prompts with {found['candidates']} candidates")
    columns = ["N", "KL at most", "reward", *(["gold", "95 % interval of its gain"] if found["gold"] else []), "characters"]
    table = Table(*columns, box=None, pad_edge=False)
    for p in found["points"]:
        gold = [f"{p['gold']['mean']:.3f}", interval(p["gold"]["gain"])] if found["gold"] else []
        table.add_row(str(p["n"]), f"{p['kl']:.2f}", f"{p['proxy']['mean']:.3f}", *gold, f"{p['characters']:.0f}")
    console.print(table)
    for sentence in of_best(found):
        console.print(sentence, markup=False)


def _training(found: Mapping[str, Any], console: Console) -> None:
    console.print(f"\na run against the reward, {len(found['steps'])} steps")
    columns = ["step", "KL", "reward", *(["gold"] if found["gold"] else []), "tokens"]
    table = Table(*columns, box=None, pad_edge=False)
    count = len(found["steps"])
    for i in sorted({round(k * (count - 1) / 7) for k in range(8)}):
        gold = [number(found["gold"][i])] if found["gold"] else []
        table.add_row(str(found["steps"][i]), f"{found['kl'][i]:.2f}", f"{found['proxy'][i]:.3f}", *gold, f"{found['tokens'][i]:.0f}")
    console.print(table)
    for sentence in of_training(found):
        console.print(sentence, markup=False)
    if found["top"]:
        console.print(f"paid most: {text(found['top'][0]['answer'], 100)!r}", markup=False)
