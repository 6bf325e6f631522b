"""Success buckets: the surest right answer that was given before stands beside the fresh ones, for prompts that are solved about half of the time more than for others.

    bucket   = by how many of its fresh answers were right when a prompt was last solved sometimes: a rate in (low, high]
    replayed = of floor(share * prompts) of the prompts at hand that have kept answers, or of all: a bucket is drawn by exp(-((rate - 1/2) / width)^2 / 2), and within
               it each prompt is as likely; of each prompt the kept answer with the lowest mean entropy of its steps, as the policy is now, in the place of its last
               fresh answer (``instead``)
    kept     = of each prompt the last ``capacity`` distinct right answers. A prompt that is solved wholly is forgotten, for good.

Nothing is replayed before a batch has been solved by more than ``start``: the first successes of a weak policy are lucky guesses. Where reasoning was sure of itself it
was right for the right reason more often; what is replayed again and again should be that.

``measure`` says what the policy, as it is now, finds of sequences: they and the name of a quantity → [B, T].

Source: ExGRPO, Zhan et al. 2025, arXiv 2510.02245, and its authors' code, from which all numbers are: share 0.5, a normal density of the number of right ones of 8 with
deviation 1, hence ``width`` 1/8, bounds 0 and 7/8, start 0.35. There the prompts of half of a batch are drawn from the buckets; here those at hand are, so that
``weighing: success_target`` has to bring them. There all distinct answers are kept; ``capacity`` 8: ours. The replayed answer does not count towards the rate.
Differs from EarlierSuccesses: which prompts and which answer, when it begins, and what is forgotten.
Invalid where rewards change meaning on the way: what is replayed keeps the reward that it had.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from guerdon.data.buffers.earlier_successes import EarlierSuccesses, beside, said
from guerdon.errors import InputError
from guerdon.quantities import BT
from guerdon.randomness import generator
from guerdon.sequences import Sequences, concatenate
from guerdon.steps import average
from guerdon.thresholds import exceeds, reaches
from guerdon.witness import Witness

_Kept = tuple[Sequences, ...]


@dataclass(frozen=True)
class SuccessBuckets:
    share: float = 0.5
    width: float = 0.125
    low: float = 0.0
    high: float = 0.875
    start: float = 0.35
    instead: bool = True
    capacity: int = 8
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1 or self.width <= 0 or self.capacity < 1:
            raise InputError(
                f"success_buckets: share {self.share} is of the prompts of a step, above 0 and up to 1, width {self.width} of a density, above 0, and capacity {self.capacity} "
                "how many answers of a prompt are kept, at least 1"
            )
        if not 0 <= self.low < self.high <= 1:
            raise InputError(
                f"success_buckets: low and high are {self.low} and {self.high}, and are rates of success; give 0 <= low < high <= 1"
            )

    def init(self) -> dict[str, Any]:
        return {"kept": {}, "rate": {}, "solved": (), "begun": False}

    def __call__(
        self, rollouts: Sequences, place: Tensor, state: dict[str, Any], seed: int, measure: Callable[[Sequences, str], BT]
    ) -> tuple[Sequences, dict[str, Any]]:
        right = reaches(rollouts.quantities["reward"], self.threshold)
        rows = {at: (rollouts.context == at).nonzero().squeeze(-1) for at in torch.unique(rollouts.context).tolist()}
        prompt = {at: int(place[own[0]]) for at, own in rows.items()}
        drawn = (
            self._drawn({at: state["rate"][p] for at, p in prompt.items() if p in state["kept"]}, len(rows), seed) if state["begun"] else []
        )
        again = [(at, _surest(state["kept"][prompt[at]], measure)) for at in drawn]
        fresh = torch.ones(len(rollouts), dtype=torch.bool)
        if self.instead:
            fresh[[int(rows[at][-1]) for at in drawn if len(rows[at]) > 1]] = False
        kept, rate, solved = dict(state["kept"]), dict(state["rate"]), {*state["solved"]}
        for at, own in rows.items():
            successes = [rollouts.select(row.view(1)) for row in own[right[own]]]
            self._keep(prompt[at], successes, len(successes) / len(own), kept, rate, solved)
        begun = state["begun"] or bool(len(right) and exceeds(float(right.double().mean()), self.start))
        return beside(rollouts, again, fresh), {"kept": kept, "rate": rate, "solved": tuple(sorted(solved)), "begun": begun}

    def _drawn(self, rate: dict[int, float], prompts: int, seed: int) -> list[int]:
        """Which of these contexts are replayed, in their order."""
        count = min(int(self.share * prompts), len(rate))
        if not count:
            return []
        of = torch.tensor(list(rate.values()), dtype=torch.float64)
        _, bucket, size = torch.unique(of, return_inverse=True, return_counts=True)
        log_weight = -((of - 0.5) / self.width).square() / 2 - size[bucket].log()
        lot = -torch.empty(len(of), dtype=torch.float64).exponential_(generator=generator(seed, "replay")).log()
        return sorted(list(rate)[i] for i in (log_weight + lot).topk(count).indices.tolist())

    def _keep(
        self, prompt: int, successes: list[Sequences], found: float, kept: dict[int, _Kept], rate: dict[int, float], solved: set[int]
    ) -> None:
        if found == 1:
            solved.add(prompt)
        if prompt in solved:
            kept.pop(prompt, None), rate.pop(prompt, None)
        elif exceeds(found, self.low) and not exceeds(found, self.high):
            known = {tuple(one.actions[0].tolist()): one for one in (*kept.get(prompt, ()), *successes)}
            kept[prompt], rate[prompt] = tuple(known.values())[-self.capacity :], found


def _surest(kept: _Kept, measure: Callable[[Sequences, str], BT]) -> Sequences:
    if len(kept) == 1:
        return kept[0]
    together = concatenate(kept)
    return kept[int(average(measure(together, "entropy"), together.mask).argmin())]


def _sure_of_small(sequences: Sequences, name: str) -> BT:
    return sequences.actions.double() if name == "entropy" else -sequences.actions.double()


# Row 7 was half right before, with 6 and with 5, and row 8 one of eight times, with 9.
_before = {
    "kept": {7: (said([0], [[6]], [1.0]), said([0], [[5]], [1.0])), 8: (said([0], [[9]], [1.0]),)},
    "rate": {7: 0.5, 8: 0.125},
    "solved": (),
}
_given = {
    "rollouts": said([0, 0, 1, 1], [[1], [2], [3], [4]], [0.0, 1.0, 1.0, 0.0]),
    "place": torch.tensor([7, 7, 8, 8]),
    "state": _before | {"begun": True},
    "seed": 0,
    "measure": _sure_of_small,
}
_all = SuccessBuckets(share=1.0)
witness = (
    Witness(  # the surer one, in the place of the last fresh one
        _all,
        parent=SuccessBuckets(share=1.0, instead=False),
        given=_given,
        returns={
            "context": [0, 1, 0, 1],
            "actions": [[1], [3], [5], [9]],
            "replayed": [0, 0, 1, 1],
            "old_logp": [[-0.1], [-0.3], [-0.5], [-0.9]],
        },
    ),
    Witness(
        SuccessBuckets(width=0.01),
        parent=_all,
        given=_given,
        returns={"context": [0, 1, 1, 0], "actions": [[1], [3], [4], [5]], "replayed": [0, 0, 0, 1]},
    ),
    Witness(  # nothing before a batch is solved as often
        _all,
        parent=EarlierSuccesses(),
        given=_given | {"state": _before | {"begun": False}},
        returns={"context": [0, 0, 1, 1], "actions": [[1], [2], [3], [4]], "replayed": [0, 0, 0, 0]},
    ),
)
