"""The bench in the terminal."""

import math
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from guerdon.interfaces.benching.reading import CANDIDATES, STEPS


def show(found: Mapping[str, Any], console: Console) -> None:
    """The figures that a person looks at first, a table for each question."""
    {STEPS: _steps, CANDIDATES: _candidates}.get(found["kind"], _pairs)(found, console)
    if found["kind"] == STEPS:
        return
    calibration, follows = found["calibration"], found["following"]
    console.print(
        f"\ncalibration: right {found.get('pairs', found['accuracy'])['value']:.3f} where it says {calibration['mean_confidence']:.3f}; expected error "
        f"{calibration['expected_error']:.3f}, Brier score {calibration['brier']:.3f} (0.25: says nothing)"
    )
    table = _table("goes along with", "correlation", "95 % interval", "of what is better", "pairs")
    for style in follows["styles"]:
        c = style["correlation"]
        table.add_row(words(style["name"]), f"{c['value']:+.3f}", interval(c), f"{style['of_what_is_better']:+.3f}", str(style["pairs"]))
    console.print(table)
    shorter, longer = follows["shorter_is_better"], follows["longer_is_better"]
    console.print(
        f"accuracy where the better answer is the shorter one {said(shorter)}, the longer one {said(longer)}; style alone explains {follows['explained']:.0%} of the margins"
    )
    if "sensitivity" in found:
        _sensitivity(found["sensitivity"], console)


def _pairs(found: Mapping[str, Any], console: Console) -> None:
    console.print(f"{found['scored']} pairs: accuracy {said(found['accuracy'])}, chance is 0.5; mean margin {found['margin']:.3f}")
    _categories(found, console, "pairs")


def _candidates(found: Mapping[str, Any], console: Console) -> None:
    if "accuracy" in found:
        console.print(
            f"{found['accuracy']['of']} prompts with {found['candidates']:.3g} candidates: the best is right {said(found['accuracy'])}, chance is {found['chance']:.3f}; "
            f"of the pairs in them {said(found['pairs'])}"
        )
    if "ties" in found:
        ties = found["ties"]
        console.print(
            f"{ties['of']} askings with ties: score {ties['score']:.3f} (right ahead of wrong: references {ties['reference_accuracy']:.3f}, ties {ties['tied_accuracy']:.3f}; "
            f"closer to one another: {ties['preferred']:.3f}, with the reference {ties['hard']:.3f})"
        )
    _categories(found, console, "prompts")


def _steps(found: Mapping[str, Any], console: Console) -> None:
    console.print(
        f"{found['scored']} solutions in steps: F1 {found['f1']:.3f} at the threshold {found['threshold']:g}; first errors found {said(found['with_an_error'])}, "
        f"no error where there is none {said(found['without'])}"
    )
    best = found["best"]
    console.print(
        f"best threshold for these rows: {best['threshold']:.3f}, F1 {best['f1']:.3f} (chosen on the rows it is measured on, so flattering)"
    )
    if "categories" in found:
        table = _table("category", "F1", "first error found", "no error", "solutions")
        for c in found["categories"]:
            table.add_row(c["name"], number(c["f1"]), said(c["with_an_error"]), said(c["without"]), str(c["of"]))
        table.add_row("mean of categories", number(found["mean_of_categories"]))
        console.print(table)
    calibration = found["calibration"]
    console.print(
        f"calibration of single steps: {calibration['right_steps']:.3f} are right, said is {calibration['mean_confidence']:.3f}; expected error "
        f"{calibration['expected_error']:.3f}, Brier score {calibration['brier']:.3f}"
    )


def _categories(found: Mapping[str, Any], console: Console, what: str) -> None:
    if "categories" not in found:
        return
    table = _table("category", "accuracy", "95 % interval", what)
    for c in found["categories"]:
        table.add_row(c["name"], number(c["value"]), interval(c), str(c["of"]))
    table.add_row("mean of categories", number(found["mean_of_categories"]))
    console.print(table)


def _sensitivity(found: Mapping[str, Any], console: Console) -> None:
    console.print(f"\nedits, on {found['pairs']} pairs")
    table = _table("should not matter", "preferences that turn", "95 % interval", "pairs")
    for edit in found["harmless"]:
        table.add_row(words(edit["name"]), number(edit["turns"]["value"]), interval(edit["turns"]), str(edit["turns"]["of"]))
    console.print(table)
    table = _table("should matter", "scores that fall", "95 % interval", "answers")
    for edit in found["harmful"]:
        table.add_row(words(edit["name"]), number(edit["falls"]["value"]), interval(edit["falls"]), str(edit["falls"]["of"]))
    console.print(table)


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, pad_edge=False)


def words(name: str) -> str:
    return name.replace("_", " ")


def number(value: float) -> str:
    return "–" if not math.isfinite(value) else f"{value:.3f}"


def interval(share: Mapping[str, float]) -> str:
    return "" if not math.isfinite(share["low"]) else f"{share['low']:.3f} to {share['high']:.3f}"


def said(share: Mapping[str, float]) -> str:
    """A share with its interval, in words."""
    return (
        f"{number(share['value'])} ({interval(share)})"
        if share["of"] and interval(share)
        else "– (none)"
        if not share["of"]
        else number(share["value"])
    )
