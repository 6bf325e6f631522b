"""Earlier successes: right answers that were given to a prompt before stand beside its fresh ones.

    group  = fresh answers, and up to ``count`` of the kept ones of that prompt, drawn at random        where ``when`` is "always"
             the same only where none of the fresh ones is right                                        where it is "unsolved"
    kept   = of each prompt the last ``capacity`` answers with reward >= threshold, these included

A group that fails learns from what was once right, and an advantage is relative to both. The kept answers keep the log-probabilities of who drew them.

Source: RLEP, Zhang et al. 2025, arXiv 2507.07451, section 3.2: two verified answers beside 16 fresh ones, advantages over all of them. Ratios are there to the policy before the
update, whoever drew an answer; here to who drew it. Its pool comes from an earlier run, here it is filled on the way, or from the start by ``init`` of a run that goes on.
"unsolved" is the rule of replaying only where a group has no signal. ``capacity`` 8: ours.
Invalid where rewards change meaning on the way: what is replayed keeps the reward that it had.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.randomness import generator
from guerdon.sequences import Sequences, concatenate
from guerdon.thresholds import reaches
from guerdon.witness import Witness


@dataclass(frozen=True)
class EarlierSuccesses:
    count: int = 2
    when: Literal["always", "unsolved"] = "always"
    capacity: int = 8
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if self.when not in ("always", "unsolved"):
            raise InputError(f"earlier successes are replayed always or where a prompt is unsolved, not {self.when!r}")
        if self.count < 1 or self.capacity < 1:
            raise InputError(f"a buffer that keeps {self.capacity} answers and replays {self.count} is none; both are at least 1")

    def init(self) -> dict[str, Any]:
        return {"kept": {}}

    def __call__(self, rollouts: Sequences, place: Tensor, state: dict[str, Any], seed: int) -> tuple[Sequences, dict[str, Any]]:
        kept, random = dict(state["kept"]), generator(seed, "replay")
        right = reaches(rollouts.quantities["reward"], self.threshold)
        again: list[tuple[int, Sequences]] = []
        for context in torch.unique(rollouts.context).tolist():
            rows = (rollouts.context == context).nonzero().squeeze(-1)
            prompt, solved = int(place[rows[0]]), rows[right[rows]]
            earlier = kept.get(prompt, ())
            if earlier and (self.when == "always" or not len(solved)):
                drawn = torch.randperm(len(earlier), generator=random)[: self.count].sort().values
                again += [(context, earlier[i]) for i in drawn.tolist()]
            kept[prompt] = (*earlier, *(rollouts.select(row.view(1)) for row in solved))[-self.capacity :]
            if not kept[prompt]:
                del kept[prompt]
        return beside(rollouts, again), {"kept": kept}


def beside(rollouts: Sequences, again: list[tuple[int, Sequences]], fresh: Tensor | None = None) -> Sequences:
    """The rollouts (those that ``fresh`` [B] says), then those that are replayed in answer to contexts of theirs; ``replayed`` says which is which."""
    if not again:
        return rollouts.with_quantities(replayed=torch.zeros(len(rollouts)))
    stay = torch.arange(len(rollouts)) if fresh is None else fresh.nonzero().squeeze(-1)
    whole = concatenate([rollouts, *(one for _, one in again)])
    whole = replace(whole, context=torch.cat([rollouts.context, torch.tensor([at for at, _ in again])]), contexts=rollouts.contexts)
    whole = whole.select(torch.cat([stay, torch.arange(len(rollouts), len(whole))]))
    context, replayed = whole.context, torch.tensor([0.0] * len(stay) + [1.0] * len(again))
    own = {"replayed": replayed} | ({"group": context} if "group" in rollouts.quantities else {})
    return whole.with_quantities(**own)


def said(context: list[int], actions: list[list[int]], reward: list[float]) -> Sequences:
    """Answers of one step to two prompts."""
    one = torch.ones(len(actions), dtype=torch.long)
    found = {"reward": torch.tensor(reward, dtype=torch.float64), "old_logp": -0.1 * torch.tensor(actions, dtype=torch.float64)}
    return Sequences(
        [torch.tensor([0]), torch.tensor([1])], torch.tensor(context), torch.tensor(actions), one.bool().unsqueeze(-1), one, found
    )


# Row 7 was solved before, by 5 and by 6; row 8 never was.
_before = {"kept": {7: (said([0], [[5]], [1.0]), said([0], [[6]], [1.0]))}}
_given = {
    "rollouts": said([0, 0, 1, 1], [[1], [2], [3], [4]], [0.0, 1.0, 0.0, 0.0]),
    "place": torch.tensor([7, 7, 8, 8]),
    "state": _before,
    "seed": 0,
}
_failed = _given | {"rollouts": said([0, 0, 1, 1], [[1], [2], [3], [4]], [0.0, 0.0, 0.0, 1.0])}
witness = (
    Witness(
        EarlierSuccesses(),
        given=_given,
        returns={"context": [0, 0, 1, 1, 0, 0], "actions": [[1], [2], [3], [4], [5], [6]], "replayed": [0, 0, 0, 0, 1, 1]},
    ),
    Witness(  # a fresh one is right
        EarlierSuccesses(when="unsolved"),
        parent=EarlierSuccesses(),
        given=_given,
        returns={"context": [0, 0, 1, 1], "actions": [[1], [2], [3], [4]], "replayed": [0, 0, 0, 0]},
    ),
    Witness(  # none is
        EarlierSuccesses(when="unsolved"),
        parent=EarlierSuccesses(when="unsolved", threshold=0.0),
        given=_failed,
        returns={
            "context": [0, 0, 1, 1, 0, 0],
            "old_logp": [[-0.1], [-0.2], [-0.3], [-0.4], [-0.5], [-0.6]],
            "replayed": [0, 0, 0, 0, 1, 1],
        },
    ),
    Witness(
        EarlierSuccesses(count=1),
        parent=EarlierSuccesses(),
        given=_failed
        | {"state": {"kept": {7: (said([0], [[5]], [1.0]),) * 2}}}
        | {"rollouts": said([0], [[1]], [0.0]), "place": torch.tensor([7])},
        returns={"context": [0, 0], "actions": [[1], [5]], "reward": [0.0, 1.0]},
    ),
)
