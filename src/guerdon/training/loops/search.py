"""Search: act and judge, without training. Its result is scored rows, which a chooser answers with or curation makes data of.

rows → candidates → scores → {prompt, completions, scores, ...}
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from guerdon.acting.samplers import Sampler
from guerdon.feedback.combining import Combining
from guerdon.models import Policy
from guerdon.parts import call
from guerdon.randomness import derive
from guerdon.sequences import Decoding, Sequences
from guerdon.tasks.sampled import sampled
from guerdon.training.display import Display, Silent
from guerdon.training.gathering import attempt_rewards
from guerdon.training.judging import Row, Scene
from guerdon.training.overlapping import Overlapping
from guerdon.training.spreading import watched


def search(
    policy: Policy,
    scene: Scene,
    rows: Sequence[Row],
    sampler: Sampler,
    combine: Combining,
    decoding: Decoding = Decoding(),
    seed: int = 0,
    rows_at_once: int = 32,
    display: Display = Silent(),
) -> list[dict[str, Any]]:
    """Candidates for every row, with their scores. Those on which a reward failed are left out.

    Returns:
        The rows, each with ``completions`` (in the prompt's form, with their tokens: ``tasks.sampled``), ``scores``, ``components`` (name → list) and ``lengths``;
        ``attempts``, the rewards of each answer of a conversation, where the policy may answer again (NaN where it did not).
    """
    found: list[dict[str, Any]] = []
    display.start("search", 0, len(rows))
    try:
        for first in range(0, len(rows), rows_at_once):
            some = [rows[i] for i in range(first, min(first + rows_at_once, len(rows)))]
            seeds = derive(seed, "search", first), derive(seed, "judge", first)
            rollouts, verdicts, _ = Overlapping(scene, combine)(sampler, policy, scene.contexts(some), decoding, some, seeds)
            watched(scene, verdicts)
            score = call(combine, {"components": verdicts.scored.components})
            valid = ~verdicts.scored.invalid & score.isfinite()
            for i, row in enumerate(some):
                own = (valid & (rollouts.context == i)).nonzero().squeeze(-1).tolist()
                began = {} if "prompt" in row else {"prompt": verdicts.prompts[rollouts.context.tolist().index(i)]}  # by an environment
                found.append(_scored({**row, **began}, own, verdicts, score, rollouts))
                if verdicts.attempts:
                    found[-1]["attempts"] = attempt_rewards(verdicts, combine)[own].tolist()
            display.step(len(found), {"reward": float(score[valid].mean()) if valid.any() else 0.0})
    finally:
        display.stop()
    return found


def _scored(row: Mapping[str, Any], own: list[int], judged: Any, score: torch.Tensor, rollouts: Sequences) -> dict[str, Any]:
    length, ended = rollouts.length.tolist(), rollouts.quantities["terminated"].tolist()
    said = {b: judged.completions[b] for b in own}
    if isinstance(
        row["prompt"], str | list
    ):  # of a text its tokens cannot be told, so they go along; not of one that others have a part in
        alone = [b for b in own if rollouts.mask[b, : length[b]].all()]
        said |= {b: sampled(said[b], rollouts.actions[b, : length[b]].tolist(), bool(ended[b])) for b in alone}
    return {
        **row,
        "completions": list(said.values()),
        "scores": [float(score[b]) for b in own],
        "components": {name: [float(values[b]) for b in own] for name, values in judged.scored.components.items()},
        "lengths": [length[b] for b in own],
    }
