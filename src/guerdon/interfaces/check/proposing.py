"""What follows from how hard the task is: a group size, a temperature, a limit of lengths, and what to do where most groups would teach nothing.

    group size       of the sizes whose group that teaches costs no more than a tenth above the cheapest, the largest: it says more of its prompt
    temperature      of those that were drawn at, the one at which the cheapest group that teaches costs least, if its interval lies below that of the run's
    length           twice what 95 % of right completions need, where that is much less than the limit; more, where many are cut off

A token is what goes through the model: of a prompt once for its group, of a completion one by one. Proposals are for the model as it is: as it learns, prompts
become easier, and what was never solved may be solved.
"""

import math
from typing import Any

from guerdon.interfaces.preparing import Prepared

_CHEAP = 1.1
_SILENT = 0.5  # more than this share of groups
_ALIKE, _APART = 0.8, 0.3
_FEW = 1.0  # groups that teach in a step, at the most
_CUT, _ROOM = 0.1, 0.5
_ENOUGH = 10  # right completions, to say how long they are


def propose(prepared: Prepared, found: dict[str, Any], warnings: list[str]) -> list[dict[str, Any]]:
    """Settings with what they are now, what they might be, and why. What makes the run doubtful as it is becomes a warning."""
    recipe, decoding = prepared.settings.recipe, prepared.settings.decoding
    temperatures = found["by_temperature"]
    best = min(temperatures, key=lambda at: min(cost["value"] for cost in at["tokens_for_one_that_teaches"].values()))
    now = temperature_of(prepared)
    own = next(at for at in temperatures if at["temperature"] == now)
    _doubt(prepared, own, warnings)
    proposals = []
    if best is not own and _cheapest(best)["high"] < _cheapest(own)["low"]:
        why = f"a group that teaches costs {_cheapest(best)['value']:,.0f} tokens there and not {_cheapest(own)['value']:,.0f}"
        proposals.append(
            {
                "setting": "decoding.temperature" if recipe.temperature is None else "recipe.temperature",
                "now": now,
                "value": best["temperature"],
                "why": why,
            }
        )
        own = best
    if _in_groups(recipe):
        proposals += _sizes(recipe, own)
    proposals += _limit(decoding, own)
    return proposals


def temperature_of(prepared: Prepared) -> float:
    """At which the run begins to draw."""
    from guerdon.training.knobs import at_first

    own = at_first(prepared.settings.recipe).temperature
    return prepared.settings.decoding.temperature if own is None else own


def _in_groups(recipe: Any) -> bool:
    """Whether equal rewards of a prompt's completions teach nothing: they are compared with each other."""
    from guerdon.training.crediting import members

    return hasattr(recipe.sampler, "num_generations") and (recipe.pairing is not None or members(recipe.advantage) > 1)


def size_of(at: dict[str, Any]) -> int:
    """The group size that is proposed."""
    costs = {int(size): cost["value"] for size, cost in at["tokens_for_one_that_teaches"].items()}
    return max(size for size, cost in costs.items() if cost <= _CHEAP * min(costs.values()))


def _cheapest(at: dict[str, Any]) -> dict[str, float]:
    return min(at["tokens_for_one_that_teaches"].values(), key=lambda cost: cost["value"])


def _sizes(recipe: Any, at: dict[str, Any]) -> list[dict[str, Any]]:
    now, value = recipe.sampler.num_generations, size_of(at)
    cost, silent = at["tokens_for_one_that_teaches"][str(value)]["value"], at["silent"][str(value)]
    why = f"about {_percent(silent)} of groups of {value} teach nothing, and one that teaches costs {cost:,.0f} tokens, with its prompt"
    return [{"setting": "recipe.sampler.num_generations", "now": now, "value": value, "why": why}]


def _limit(decoding: Any, at: dict[str, Any]) -> list[dict[str, Any]]:
    length, limit = at["length"], decoding.max_completion_length
    if length["right"] >= _ENOUGH:
        enough = 8 * math.ceil(2 * length["right_95"] / 8)
        if enough <= _ROOM * limit and length["mean"] > length["right_95"] / 2:
            why = f"95 % of right completions have {length['right_95']:.0f} tokens or fewer, and the longest {length['longest_right']}"
            return [{"setting": "decoding.max_completion_length", "now": limit, "value": enough, "why": why}]
        if length["cut_off"]["low"] > _CUT and length["right_95"] > 0.75 * limit:
            why = f"{_percent(length['cut_off'])} of completions are cut off, and right ones need up to {length['longest_right']} tokens"
            return [{"setting": "decoding.max_completion_length", "now": limit, "value": 2 * limit, "why": why}]
    elif length["cut_off"]["low"] > _CUT:
        why = f"{_percent(length['cut_off'])} of completions are cut off, which may be why few are right"
        return [{"setting": "decoding.max_completion_length", "now": limit, "value": 2 * limit, "why": why}]
    return []


def _doubt(prepared: Prepared, at: dict[str, Any], warnings: list[str]) -> None:
    recipe, rows = prepared.settings.recipe, prepared.settings.budget.rows
    if not _in_groups(recipe):
        return
    now, count = recipe.sampler.num_generations, at["never"] + at["always"] + at["between"]
    alike = at["silent"][str(now)]
    teaching = rows * (1 - alike["value"])
    if alike["low"] > _SILENT and at["never"] >= at["always"]:
        warnings.append(
            f"this is too hard for the model: {at['never']} of {count} prompts were never answered right, and about {_percent(alike)} of groups of {now} will teach "
            f"nothing, which leaves some {teaching:.2g} of a step's {rows} that do; begin with supervised fine-tuning on solutions (recipe: sft, as a stage before), with easier "
            "prompts, or with a prompt that shows the form of an answer; else take larger groups"
        )
    elif alike["low"] > _SILENT:
        warnings.append(
            f"this is too easy for the model: {at['always']} of {count} prompts were always answered right, and about {_percent(alike)} of groups of {now} will teach "
            f"nothing, which leaves some {teaching:.2g} of a step's {rows} that do; take harder prompts, or leave out those that are always solved"
        )
    elif rows * (1 - alike["low"]) < _FEW:
        warnings.append(
            f"of a step's {rows} groups some {teaching:.2g} will teach something, so that many steps teach nothing; raise batch_size, or "
            "have groups replaced that teach nothing (recipe.selection: [zero_variance] with recipe.refills: 3, as dapo does)"
        )
    _one_sided(prepared, at, now, warnings)


def _one_sided(prepared: Prepared, at: dict[str, Any], size: int, warnings: list[str]) -> None:
    """What is right hardly varies, and something else does: that is what would be learned."""
    from guerdon.interfaces.check.rewards import compares

    functions = prepared.functions()
    silent = at["silent_by_component"]
    judging = [name for name in silent if name in functions and compares(functions[name])]
    others = [name for name in silent if name not in judging]
    if not judging or not others:
        return
    right, rest = min(silent[name]["value"] for name in judging), min(others, key=lambda name: silent[name]["value"])
    if right > _ALIKE and silent[rest]["value"] < right - _APART:
        warnings.append(
            f"in about {right:.0%} of groups of {size} {' and '.join(judging)} will be the same for every completion, in {silent[rest]['value']:.0%} {rest} will: what is "
            f"learned is mostly {rest}"
        )


def _percent(estimate: dict[str, float]) -> str:
    return f"{estimate['value']:.0%} ({estimate['low']:.0%} to {estimate['high']:.0%})"
