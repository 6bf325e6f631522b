"""How hard a task is, as a person reads it."""

import math
from typing import Any

_BAR = 40


def shown(found: dict[str, Any]) -> str:
    """Lines for a terminal."""
    ended = f", ended by {found['stopped']}" if found["stopped"] else ""
    lines = [
        f"difficulty: {found['prompts']} of {found['rows']:,} prompts, {found['completions']} completions each, {found['seconds']:.0f} s{ended}"
    ]
    for at in found["by_temperature"]:
        lines += _temperature(at)
    lines += [f"  teaches less: {_set(one)}" for one in found["sets"][:3]]
    for one in found["proposals"]:
        what = (
            f"  keep {one['setting']}={one['value']}"
            if one["value"] == one["now"]
            else f"  propose {one['setting']}={one['value']} (it is {one['now']})"
        )
        lines.append(f"{what}: {one['why']}")
    lines.append(f"  more prompts make this narrower: --prompts {4 * found['prompts']}")
    return "\n".join(lines)


def _temperature(at: dict[str, Any]) -> list[str]:
    lines = [
        f"  temperature {at['temperature']:g}: {at['right_count']} of {at['judged']} completions are right, of those of all prompts {_percent(at['right'])}; never right "
        f"at {at['never']} prompts, always at {at['always']}, sometimes at {at['between']}"
    ]
    lines += _bars(at["histogram"])
    if at["values"] > 2:
        reward = at["reward"]
        lines.append(f"  reward: mean {reward['value']:.3g} ({reward['low']:.3g} to {reward['high']:.3g}), of prompts")
        lines += _bars(at["reward_histogram"])
    lines.append("  groups of   whose rewards are all alike, and teach nothing   tokens for one that teaches")
    for size, silent in at["silent"].items():
        cost = at["tokens_for_one_that_teaches"][size]
        lines.append(f"  {size:>9}   {_percent(silent):<48}   {_tokens(cost['value'])} ({_tokens(cost['low'])} to {_tokens(cost['high'])})")
    length = at["length"]
    right = f", right ones up to {length['longest_right']}" if length["right"] else ""
    lines.append(
        f"  tokens: median {length['median']:.0f}, longest {length['longest']}{right}; cut off at {length['limit']}: {_percent(length['cut_off'])}"
    )
    if at["failed"]:
        lines.append(f"  {at['failed']} completions could not be rewarded and are left out")
    return lines


def _bars(histogram: list[dict[str, Any]]) -> list[str]:
    """A line for each step, the longest bar as wide as there is room for."""
    most = max(max(step["prompts"] for step in histogram), 1)
    wide = max(len(step["of"]) for step in histogram)
    bars = [(step, "█" * math.ceil(_BAR * step["prompts"] / most)) for step in histogram]
    return [f"    {step['of']:>{wide}}  {bar}{' ' if bar else ''}{step['prompts']}" for step, bar in bars]


def _set(one: dict[str, Any]) -> str:
    return (
        f"{one['set']} ({one['prompts']} prompts, {one['right']} of {one['of']} completions right): {_percent(one['silent'])} of its groups would teach nothing, "
        f"of the others {_percent(one['others'])}"
    )


def _tokens(count: float) -> str:
    return "any number" if math.isinf(count) else f"{count:,.0f}" if count < 1e5 else f"{count:.1e}"


def _percent(estimate: dict[str, float]) -> str:
    return f"{_share(estimate['value'])} ({_share(estimate['low'])} to {_share(estimate['high'])})"


def _share(value: float) -> str:
    return f"{value:.1%}" if 0 < value < 0.1 or 0.99 < value < 1 else f"{value:.0%}"
