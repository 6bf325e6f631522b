"""Dense: rewards of single steps, put where each step ends.

    rollouts → cut into steps by ``recipe.segments`` → a number for each, from every source → shaped, weighed, added up → [B, T]

A step is what was said in a segment: a text, or, where the policy speaks no text, its actions; without segments each action is a step there. What is blank, as the end of a text
by itself, is no step.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from guerdon.credit.advantages.segment_gae import pieces
from guerdon.errors import InputError
from guerdon.models import Policy
from guerdon.parts import call, describe
from guerdon.quantities import BT, Segment
from guerdon.sequences import Sequences
from guerdon.training.recipe import Recipe
from guerdon.training.tally import Tally


def check_dense(recipe: Recipe, policy: Policy) -> None:
    """Refuse a recipe whose dense rewards could not be given.

    Raises:
        InputError: that.
    """
    if not recipe.dense:
        return
    if recipe.segments is None and getattr(policy, "tokenizer", None) is not None:
        raise InputError(
            "recipe.dense: steps are rewarded, and nothing says how answers are cut into steps; set recipe.segments, such as after_text"
        )
    if recipe.replay is not None:
        raise InputError("recipe.dense: steps are judged when they are drawn, and recipe.replay has earlier ones; leave one of them out")


def dense_rewards(
    policy: Policy, recipe: Recipe, rollouts: Sequences, segment: Segment | None, shown: Sequence[tuple[Any, Any]], tally: Tally
) -> BT:
    """What ``recipe.dense`` gives for each step, at the last acted step of its segment.

    Args:
        segment: of each step; None: each is one by itself.
        shown: prompts (and completions) as rewards see them, by the rollouts' quantity ``shown``.

    Raises:
        InputError: a source gave no finite number for a step.
    """
    prompts = [shown[i][0] for i in rollouts.quantities["shown"].tolist()]
    steps, ends = cut(rollouts, segment, getattr(policy, "tokenizer", None))
    there = [row for row, own in enumerate(steps) if own]
    total = torch.zeros(rollouts.mask.shape, dtype=torch.float64)
    for name, dense in recipe.dense.items():
        said = dense.source([prompts[row] for row in there], [steps[row] for row in there])
        score = torch.zeros_like(total)
        for row, own in zip(there, said, strict=True):
            if len(own) != len(steps[row]) or not torch.tensor(own).isfinite().all():
                raise InputError(
                    f"recipe.dense.{name}: {describe(dense.source)} must give a finite number for each of {len(steps[row])} steps and gave {own}"
                )
            score[row, ends[row]] = torch.tensor(own, dtype=torch.float64)
        tally.add(f"dense/{name}/score", score, ends)
        for shaping in dense.shaping:
            score = call(shaping, {"step_score": score, "mask": ends})
        tally.add(f"dense/{name}/sum", score.sum(-1))
        total = total + dense.weight * score
    tally.add("dense/steps", ends.sum(-1).double())
    return total


def cut(rollouts: Sequences, segment: Segment | None, tokenizer: Any = None) -> tuple[list[list[Any]], Tensor]:
    """The steps of each rollout, and where each of them ends, [B, T]."""
    mask = rollouts.mask
    own = torch.arange(mask.shape[1]).expand(mask.shape) if segment is None else segment
    index = pieces(own, mask)[0]
    steps: list[list[Any]] = []
    ends = torch.zeros_like(mask)
    for row in range(len(rollouts)):
        acted = mask[row].nonzero().flatten().tolist()
        parts: dict[int, list[int]] = {}
        for t in acted:
            parts.setdefault(int(index[row, t]), []).append(t)
        found = []
        for places in parts.values():
            said: Any = rollouts.actions[row, places].tolist()
            if tokenizer is not None:
                said = tokenizer.decode(said, skip_special_tokens=True, clean_up_tokenization_spaces=False).strip()
            if said:
                found.append(said)
                ends[row, places[-1]] = True
        steps.append(found)
    return steps, ends
