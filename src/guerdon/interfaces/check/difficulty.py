"""How hard the task is for the model: completions of some prompts are drawn and judged as the run will, and it is said what groups of them would teach.

    rates        how many prompts are never, always and sometimes answered right, and what that tells of the rates behind them
    silent       the share of groups of G whose rewards are all alike, for G that were not drawn as well (``evaluation.success_rates``)
    cost         tokens for each group that teaches:  (prompt + G * completion) / (1 - silent)
    lengths      of completions, of right ones, and how many are cut off

A completion is right if every reward that compares with the gold answer gives its full value; where none compares, if the reward is 1, as ``guerdon evaluate``
takes it. Prompts are drawn by the seed, so that more of them include those of before. Where it is not said how many, as many are drawn as go into a few seconds.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.errors import InputError
from guerdon.feedback.running import INAPPLICABLE
from guerdon.interfaces.check.proposing import propose, temperature_of
from guerdon.interfaces.check.sets import sets_of
from guerdon.interfaces.check.teaching import Drawn, Judged, measured, silence
from guerdon.interfaces.preparing import Prepared
from guerdon.training.display import Display, Silent

SECONDS = 15.0
_MOST = 32  # prompts, where it was not said how many
_FIRST, _AT_ONCE = 8, 32  # prompts; fewer than 8 tell hardly anything


@dataclass(frozen=True)
class Asked:
    """How much is drawn.

    Attributes:
        prompts: how many; None: what goes into ``SECONDS``, 32 at most.
        completions: of each.
        temperatures: at which, besides that of the run.
    """

    prompts: int | None = None
    completions: int = 8
    temperatures: tuple[float, ...] = ()


def look(prepared: Prepared, asked: Asked, warnings: list[str], display: Display = Silent()) -> dict[str, Any]:
    """What was drawn and what follows from it, by temperature, and what is proposed. Ctrl-C ends the drawing, and what there is by then counts.

    Raises:
        InputError: a temperature at which all completions are alike, fewer than two completions, or a reward that failed on all of them.
    """
    if asked.completions < 2:
        raise InputError("--completions: of one completion nobody can tell whether a group would teach; draw two or more, better 8")
    own = temperature_of(prepared)
    temperatures = sorted({*asked.temperatures, own})
    if temperatures[0] <= 0:
        raise InputError("temperature: at 0 all completions are the same one, and no group teaches anything; give temperatures above 0")
    begun, size = time.perf_counter(), _size(prepared)
    drawn, stopped = _draw(prepared, asked, temperatures, display)
    if all(bool(one.reward.isnan().all()) for one in drawn):
        if drawn[0].error == INAPPLICABLE:
            raise InputError(
                f"reward: none applies to any of the {len(drawn[0].rows)} prompts that were drawn; see what their rows hold in the columns that the rewards read, "
                "or leave such rows out (encoding.wrong=drop)"
            )
        raise InputError(
            f"reward: none of {len(drawn[0].reward)} sampled completions could be rewarded; the first error was: {drawn[0].error}"
        )
    found: dict[str, Any] = {
        "rows": len(prepared.rows),
        "prompts": len(drawn[0].rows),
        "completions": asked.completions,
        "stopped": stopped,
        "seconds": time.perf_counter() - begun,
        "by_temperature": [measured(one, size) for one in drawn],
    }
    shown = drawn[temperatures.index(own)]
    found["each"] = shown.each()
    found["proposals"] = propose(prepared, found, warnings)
    found["sets"] = sets_of(prepared, shown, silence(shown), size)
    return found


def _size(prepared: Prepared) -> int:
    """How many completions a prompt has in the run."""
    return getattr(prepared.settings.recipe.sampler, "num_generations", Group.num_generations)


def _draw(prepared: Prepared, asked: Asked, temperatures: Sequence[float], display: Display) -> tuple[list[Drawn], str]:
    """The completions by temperature, of the same prompts, and why the drawing ended before what was asked for, or was possible."""
    from guerdon.randomness import generator
    from guerdon.training.jobs import scene_for

    settings, rows = prepared.settings, prepared.rows
    wanted = min(asked.prompts or _MOST, len(rows))
    order = torch.randperm(len(rows), generator=generator(settings.budget.seed, "difficulty"))[:wanted].tolist()
    options = {**settings.reward.options, "failure_bound": 1.0}
    scene = scene_for(
        prepared.model,
        prepared.task,
        settings.reward.functions,
        {},
        prepared.room,
        prepared.truncate,
        options,
        settings.recipe,
    )
    scene.knows(rows)
    judging = _judging(prepared, scene, asked.completions)
    drawn = [Drawn(temperature, settings.decoding.max_completion_length) for temperature in temperatures]
    begun, done, stopped = time.perf_counter(), 0, ""
    display.start("difficulty", 0, wanted)
    try:
        while done < wanted:
            spent = time.perf_counter() - begun
            left = wanted if asked.prompts or not done else int((SECONDS - spent) * done / max(spent, 1e-9))
            if left < 1:
                stopped = f"the {SECONDS:.0f} s that are spent where --prompts does not say how many"
                break
            some = order[done : done + min(left, _AT_ONCE, max(done, _FIRST))]
            parts = [judging(some, one.temperature) for one in drawn]
            for one, part in zip(drawn, parts, strict=True):
                one.add(some, part)
            done += len(some)
            display.step(done, {"reward": float(drawn[0].reward.nanmean())})
    except KeyboardInterrupt:
        if not done:
            raise
        stopped = "Ctrl-C"
    finally:
        display.stop()
        scene.close()
    return drawn, stopped


def _judging(prepared: Prepared, scene: Any, completions: int) -> Callable[[Sequence[int], float], Judged]:
    """A function of rows and a temperature: their completions, with what was found out of them. Rewards that a view of the policy measures are the policy's own:
    at the start the two are one."""
    from guerdon.interfaces.check.rewards import compares
    from guerdon.randomness import derive
    from guerdon.thresholds import reaches
    from guerdon.training.filling import at_once_of
    from guerdon.training.gathering import memories_of, shaped_reward
    from guerdon.training.knobs import at_first
    from guerdon.training.self_made import SelfMadeRewards

    settings, functions, policy, recipe = prepared.settings, prepared.functions(), prepared.model, at_first(prepared.settings.recipe)
    intrinsic = recipe.intrinsic
    at_once = at_once_of(settings.budget, policy)
    made = SelfMadeRewards(intrinsic, policy, scene, {part.by: policy for part in intrinsic.values() if part.by}, at_once)
    full = {name: getattr(function, "right", 1.0) for name, function in functions.items() if compares(function)}

    def judged(some: Sequence[int], temperature: float) -> Judged:
        rows = [prepared.rows[i] for i in some]
        contexts = scene.contexts(rows)
        seed = derive(settings.budget.seed, "difficulty", some[0], temperature)
        rollouts = Group(completions)(prepared.model, contexts, replace(settings.decoding, temperature=temperature), seed)
        scored = made(rollouts, scene.judge(rollouts, rows, derive(seed, "judge"), watching=False), rows).scored
        reward, valid = shaped_reward(recipe, scored, rollouts, memories_of(recipe))
        reward = torch.where(valid, reward, torch.nan).double()
        right = _right(scored.components, full) if full else reaches(reward, 1.0).double()
        right = torch.where(reward.isnan(), torch.nan, right)
        return Judged(rollouts, reward, right, scored)

    return judged


def _right(components: dict[str, Tensor], full: dict[str, float]) -> Tensor:
    """Whether all that compare and apply gave their full value."""
    from guerdon.thresholds import reaches

    values = torch.stack(
        [torch.where(components[name].isnan(), torch.nan, reaches(components[name], full[name]).double()) for name in full]
    )
    return torch.where(values.isnan().all(0), torch.nan, values.nan_to_num(1.0).amin(0))
