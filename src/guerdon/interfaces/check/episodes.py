"""Episodes: what comes of some, acted by the policy as it is: how they begin and go on, how many turns and tokens they take, how they end, and what fails in them."""

import dataclasses
import time
from typing import Any

import torch

from guerdon.interfaces.preparing import Prepared
from guerdon.randomness import generator
from guerdon.tasks.messages import is_conversational
from guerdon.training.overlapping import Overlapping

_ROWS = 4
_MOST = 16  # answers to a row


def look(prepared: Prepared, warnings: list[str]) -> dict[str, Any]:
    """Figures of the episodes of a few rows, and one of them in words."""
    from guerdon.training.jobs import scene_for

    settings, rows = prepared.settings, prepared.rows
    order = torch.randperm(len(rows), generator=generator(settings.budget.seed, "episodes"))[:_ROWS].tolist()
    some = [rows[i] for i in order]
    options = {**settings.reward.options, "failure_bound": 1.0}
    scene = scene_for(
        prepared.model, prepared.task, settings.reward.functions, {}, prepared.room, prepared.truncate, options, settings.recipe
    )
    scene.knows(rows)
    sampler = settings.recipe.sampler
    few = dataclasses.replace(getattr(sampler, "unbranched", sampler), num_generations=min(sampler.num_generations, _MOST))
    begun = time.perf_counter()
    try:
        contexts = scene.contexts(some)
        rollouts, judged, _ = Overlapping(scene, settings.recipe.combine)(
            few, prepared.model, contexts, settings.decoding, some, (settings.budget.seed, settings.budget.seed)
        )
    finally:
        scene.close()
    spent = time.perf_counter() - begun
    figures = {
        name.removeprefix("environment/"): float(values[~values.isnan()].mean())
        for name, values in judged.figures.items()
        if not values.isnan().all()
    }
    earned = judged.scored.components["environment"].view(len(some), -1)
    spread = [float(own[~own.isnan()].std()) if (~own.isnan()).sum() > 1 else 0.0 for own in earned]
    said = rollouts.mask.sum(-1).double()
    found = {
        "episodes": len(rollouts),
        "rows": len(some),
        "most_turns": sampler.turns,
        "seconds": spent,
        "figures": figures,
        "tokens": {
            "prompt": sum(map(len, contexts)) / len(contexts),
            "said": float(said.mean()),
            "told": float((rollouts.length - said).mean()),
            "longest": int(rollouts.length.max()),
            "room": settings.decoding.max_completion_length,
        },
        "reward": None if earned.isnan().all() else float(earned.nanmean()),
        "teach_nothing": sum(value <= 1e-9 for value in spread) / len(spread),
        "failed": next((error for error in judged.scored.errors if error), None),
        "example": _in_words(judged.prompts[0], judged.completions[0]),
    }
    _warn(found, warnings)
    return found


def _in_words(prompt: Any, completion: Any) -> list[tuple[str, str]]:
    """An episode as pairs of who speaks and what is said."""
    out = []
    for text, who in ((prompt, "prompt"), (completion, "episode")):
        if not is_conversational(text):
            out.append((who, str(text)))
            continue
        for message in text:
            calls = [f"{call['function']['name']}({call['function']['arguments']})" for call in message.get("tool_calls") or ()]
            out.append((message["role"], " ".join(filter(None, [str(message.get("content") or ""), *calls]))))
    return out


def _warn(found: dict[str, Any], warnings: list[str]) -> None:
    figures = found["figures"]
    if found["failed"] is not None:
        warnings.append(
            f"{figures.get('failed', 0):.0%} of {found['episodes']} episodes failed and would be left out; the first: {found['failed']}"
        )
    if figures.get("no_room", 0) > 0.1:
        warnings.append(
            f"in {figures['no_room']:.0%} of the episodes there was no room for what the policy was to be told; raise decoding.max_completion_length, which is "
            f"{found['tokens']['room']} for all turns together, or let recipe.sampler.overflow be shorten"
        )
    if figures.get("calls", 0) and figures["calls_wrong"] > 0.5 * figures["calls"]:
        warnings.append(
            f"{figures['calls_wrong'] / figures['calls']:.0%} of the calls of tools could not be read; see how the example calls them"
        )
    if found["reward"] is not None and found["teach_nothing"] == 1:
        warnings.append("all episodes of a row earned the same, so nothing would be learned; make the task easier, or pay steps on the way")
