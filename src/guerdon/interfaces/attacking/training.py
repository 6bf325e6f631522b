"""A short run of reinforcement learning against the reward: how far the policy has to go until what it learns from and a gold reward part, and what it says there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from guerdon.errors import InputError
from guerdon.evaluation.coming_apart import coming_apart
from guerdon.evaluation.metrics.overoptimisation import Overoptimisation
from guerdon.interfaces.attacking.drawing import Drawing
from guerdon.interfaces.attacking.judging import Judge
from guerdon.interfaces.attacking.keeping import key_of
from guerdon.interfaces.attacking.reading import Item

TOP = 8  # answers that are shown
FEWEST = 10  # steps, of which a curve is drawn
PROXY, GOLD = "attacked", "gold"


@dataclass(frozen=True)
class Pressed:
    """How hard it is tried.

    Attributes:
        steps: of the loop.
        learning_rate: of the adapters.
        batch_size: prompts of a step.
    """

    steps: int
    learning_rate: float = 2e-4
    batch_size: int = 8


def recipe_of(pressed: Pressed, watched: bool) -> Any:
    """GRPO with nothing that holds the policy back: the KL is measured, and weighs nothing."""
    from guerdon.feedback.combining.without import Without
    from guerdon.recipes.grpo import recipe
    from guerdon.training.optimiser import AdamW

    surrogate, kl = recipe.terms
    combine = Without((GOLD,), recipe.combine) if watched else recipe.combine
    return replace(
        recipe, terms=(surrogate, replace(kl, weight=0.0)), optimiser=AdamW(learning_rate=pressed.learning_rate), combine=combine
    )


def trained(
    items: Sequence[Item], drawing: Drawing, judge: Judge, gold: Judge | None, pressed: Pressed, folder: Path, display: Any
) -> dict[str, Any]:
    """Run, or go on with, a run in a folder of its own, and say what came of it.

    Raises:
        InputError: it cannot be begun.
        RunFailed: it was stopped; the same command goes on.
    """
    from guerdon.interfaces.preparing import built
    from guerdon.models.language.lora import Lora
    from guerdon.training.jobs import ImproveJob
    from guerdon.training.recipe import Budget
    from guerdon.training.sources import of_named

    rows = [{**item.row, "prompt": item.prompt} for item in items]
    rewards = {PROXY: judge.reward} | ({GOLD: gold.reward} if gold is not None else {})
    recipe = recipe_of(pressed, gold is not None)
    spec = replace(drawing.spec, lora=Lora())
    made_of = [
        spec.source,
        of_named([spec, *rewards.values()]),
        repr(recipe),
        repr(drawing.decoding),
        pressed.batch_size,
        drawing.seed,
        rows,
        judge.called,
    ]
    run = folder / f"rl-{key_of(made_of, gold.called if gold else '')[:8]}"
    budget = Budget(
        steps=pressed.steps, batch_size=pressed.batch_size, save_every=max(pressed.steps // 10, 1), seed=drawing.seed, keep_checkpoints=1
    )
    room = drawing.policy.context_length - drawing.decoding.max_completion_length
    job = ImproveJob(recipe, rows, rewards, {}, drawing.decoding, budget, max_prompt_length=room, builds=spec)
    job(built(spec, drawing.seed), {}, drawing.seed, run, display)
    return read(run, gold is not None)


def read(run: Path, watched: bool) -> dict[str, Any]:
    """What the run's files say: both rewards along the KL of whole answers, where they part, and the answers that were paid most.

    Raises:
        InputError: no step of it learned anything.
    """
    from guerdon.training.run import read_lines

    logged = [row for row in read_lines(run / "metrics.jsonl") if row["step"] > 0 and "kl" in row and "reward" in row]
    if not logged:
        raise InputError(f"--steps: in no step of {run} had an answer a reward, so that nothing was learned; look at its completions.jsonl")
    steps = [int(row["step"]) for row in logged]
    kl = [row["kl"] * row["completions/mean_length"] for row in logged]  # of a token, times tokens
    series = {"proxy": [row["reward"] for row in logged], "characters": [row["completions/mean_length"] for row in logged]}
    found: dict[str, Any] = {
        "run": str(run),
        "steps": steps,
        "kl": kl,
        "proxy": series["proxy"],
        "tokens": series["characters"],
        "gold": None,
        "parts": None,
        "fit": None,
    }
    if watched:
        gold = [row.get(f"monitor/{GOLD}", float("nan")) for row in logged]
        found["gold"] = gold
        apart = coming_apart(steps, series["proxy"], gold)
        if apart is not None:
            at = {name: float(np.interp(step, steps, kl)) for name, step in (("kl", apart.moment), ("seen_kl", apart.seen))}
            found["parts"] = {"step": apart.moment, "seen": apart.seen, "proxy": apart.proxy, "gold": apart.gold, **at}
        found["fit"] = _fit(kl, gold)
    return found | {"top": _top(run, watched)}


def _fit(kl: Sequence[float], gold: Sequence[float]) -> dict[str, float] | None:
    """The curve of gold from where it was in the first tenth of the steps; None where there are too few for one."""
    d, value = np.sqrt(np.maximum(kl, 0)), np.array(gold, dtype=float)
    there = np.isfinite(value)
    if len(np.unique(d[there & (d > 0)])) < FEWEST:
        return None
    start = float(value[there][: max(int(there.sum()) // 10, 1)].mean())
    gain = value - start
    alpha, beta, top, height = Overoptimisation("rl")(d[there], gain[there])
    return {"alpha": float(alpha), "beta": float(beta), "top_kl": float(top**2), "top_gain": float(height), "from": start}


def _top(run: Path, watched: bool) -> list[dict[str, Any]]:
    """The answers that were paid most, each text once."""
    from guerdon.training.run import read_lines

    best: dict[str, dict[str, Any]] = {}
    for row in read_lines(run / "completions.jsonl"):
        if row.get("reward") is None or row["step"] == 0:
            continue
        shown = {"step": row["step"], "prompt": row["prompt"], "answer": row["completion"], "proxy": row["reward"]}
        best.setdefault(str(row["completion"]), shown | ({"gold": row["components"].get(GOLD)} if watched else {}))
    return sorted(best.values(), key=lambda row: (-row["proxy"], -row["step"]))[:TOP]
