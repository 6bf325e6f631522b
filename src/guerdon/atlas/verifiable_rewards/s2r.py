"""S2R: a policy that was shown a little how to verify and to correct its answers gets better at both from rewards of outcomes, or of each
step.

World: the questions of ``_checking``: answers that show, through noise, whether they are wrong once they are written. A completion is an
answer, a verdict on it ("right" ends it, "wrong" goes on), another answer and a verdict on that. What a question is answered by, and what
is said of each answer, can be learned by heart; how much a bad sign is minded, when an answer is called right, and how far one that was
called wrong is avoided are three numbers that all questions share. At the start nothing is called wrong and no sign is minded.

First all are shown two scripted traces of each of 8 questions: of an answer that the policy draws, the verdict that is true, and, after a
wrong one, the right answer. Then, 24 practised questions, 16 completions each, 30 updates:

* "SFT on": the same traces go on being imitated, for as many updates;
* "outcome": leave-one-out on whether the last answer is right;
* "process": each segment is paid 1 or -1, for an answer that is right, for a verdict that is true, and compared with those after the same
  rewards.

The learning rate of each is tuned, by the accuracy of the last answer. Measured, exactly, on 24 held-out questions: accuracy of the last
answer, the share of verdicts that are true, and how often a completion that begins wrong ends right. The smallest difference of interest:
0.02.

Source: Ma et al. 2025, arXiv 2502.12853, and its authors' code (github.com/NineAbyss/S2R: SFT without the loss of verdicts that are not
true, RLOO for outcomes, baselines by the rewards that went before for steps, at least 10 of a kind). Their claims hold RL against SFT
alone; that the two levels differ is not claimed here. Chosen here: world, sizes, effects; there models of 7 and 8 B on MATH, with 3,100
traces.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.verifiable_rewards._checking import Questions
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.credit.advantages.segment_history import SegmentHistory
from guerdon.credit.segments.every_n import EveryN
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree, context_indices
from guerdon.sequences import Decoding, Example, Sequences, Side
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.fit import fit
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term

system = System(
    title="S2R: Teaching LLMs to Self-verify and Self-correct via Reinforcement Learning",
    link="https://arxiv.org/abs/2502.12853",
    kind="method",
    builds_on=("sft", "rloo", "segment-history"),
    read="code",
    note=(
        "Rewards of outcomes and of steps both teach to verify and to correct, over the fine-tuned start by 0.06 to 0.07 of "
        "accuracy and 0.2 of true verdicts. Against as many more updates on the same traces neither is told apart (-0.02 and "
        "-0.01, undecided): here the start was short of training, not of rewards."
    ),
)
UPDATES, SHOWN_FOR, EACH, SHOWN, TRACES = 30, 15, 16, 8, 2
PARTS = ("solve_1", "verify_1", "solve_2", "verify_2")
recipe = {
    "SFT on": Recipe((Term(NegativeLogLikelihood()),)),
    "outcome": Recipe((Term(Reinforce()),), sampler=Group(EACH), advantage=LeaveOneOut()),
    "process": Recipe((Term(Reinforce()),), sampler=Group(EACH), segments=EveryN(1), advantage=SegmentHistory(PARTS)),
}
GRID = {arm: {"learning_rate": (0.03, 0.1, 0.3, 0.9)} for arm in recipe}
TUNED_BY = "accuracy"
MEASURES = ("accuracy", "verdicts", "wrong to right")
claim = AllOf(
    *(
        BetterThan(arm, than, on=measure, effect=0.02, matched=matched)
        for arm in ("outcome", "process")
        for than, matched in (("SFT", ""), ("SFT on", "updates"))
        for measure in MEASURES
    )
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}


@dataclass(frozen=True)
class Verified(Questions):
    """Actions: the answers, then "right", which ends a completion, and "wrong"."""

    questions: int = 48

    @property
    def tree(self) -> PrefixTree:
        return PrefixTree(self.vocabulary + 2, 4, end=self.vocabulary)

    def solved(self, actions: Tensor, context: Tensor) -> Tensor:
        """[B, 4], of each step 1 for a right answer or a true verdict, -1 for another, NaN where nothing was said: what is a verdict, and of what, is known by its place."""
        found = torch.full(actions.shape, torch.nan, dtype=torch.float64)
        for k in range(0, actions.shape[1], 2):
            there = (actions[:, k] < self.vocabulary) & ((actions[:, k - 1] == self.vocabulary + 1) if k else True)
            wrong = self.wrong[context, actions[:, k].clamp(max=self.vocabulary - 1)]
            found[:, k] = torch.where(there, 1 - 2 * wrong, torch.nan)
            if k + 1 < actions.shape[1]:
                said_wrong = (actions[:, k + 1] == self.vocabulary + 1).double()
                found[:, k + 1] = torch.where(there & (actions[:, k + 1] >= self.vocabulary), 1 - 2 * (said_wrong - wrong).abs(), torch.nan)
        return found

    def expected_reward_of(self, sequences: Sequences) -> Tensor:
        """[B], whether the last answer was right."""
        return _last(self.solved(self._whole(sequences.actions), context_indices(sequences, self.contexts)))

    def rewards(self) -> Tensor:
        every = self.tree.actions
        return torch.stack([_last(self.solved(every, torch.full((len(every),), c))) for c in range(self.contexts)])

    def of_part(self, k: int) -> Callable[..., list[float | None]]:
        """The reward of a segment."""

        def reward(prompts: Sequence[int], completions: Sequence[Sequence[int]], **columns: Any) -> list[float | None]:
            actions = self._whole(torch.nn.utils.rnn.pad_sequence([torch.tensor(said) for said in completions], batch_first=True))
            return [None if x != x else x for x in self.solved(actions, torch.tensor([int(p) for p in prompts]))[:, k].tolist()]

        return reward

    def _whole(self, actions: Tensor) -> Tensor:
        return torch.nn.functional.pad(actions, (0, 4 - actions.shape[1]))


def _last(solved: Tensor) -> Tensor:
    """[B], 1 where the last answer was right."""
    return (torch.where(solved[:, 2].isnan(), solved[:, 0], solved[:, 2]) > 0).double()


class Verifying(TablePolicy):
    """``first`` [C, V] answers, ``verdict`` [C, V] and ``again`` [C, V, V], of a question's own; ``calls``, how readily an answer is called
    wrong, ``minds`` and ``avoids``, which are shared."""

    def __init__(self, world: Verified) -> None:
        self.tree, self.sign = world.tree, world.sign
        c, v = world.beliefs.shape
        tables = {"first": world.beliefs, "verdict": torch.zeros(c, v), "again": torch.zeros(c, v, v)}
        numbers = {"calls": torch.tensor(-3.0), "minds": torch.tensor(0.0), "avoids": torch.tensor(0.0)}
        self.module = nn.ParameterDict({name: nn.Parameter(value.double().clone()) for name, value in (tables | numbers).items()})

    @property
    def logits(self) -> Tensor:
        own, (c, v) = self.module, self.sign.shape
        n, never = v + 2, torch.tensor(-30.0).double()
        called = own["calls"] + own["minds"] * self.sign + own["verdict"]
        verdicts = torch.cat(
            [never.expand(c, v, v), torch.zeros(c, v, 1).double(), called.unsqueeze(-1)], -1
        )  # [C, V, n], after each answer
        second = own["first"].unsqueeze(1) + own["again"] - own["avoids"] * torch.eye(v).double()
        answers = torch.cat([second, never.expand(c, v, 2)], -1)
        first = torch.cat([own["first"], never.expand(c, 2)], -1).unsqueeze(1)
        table = torch.zeros(c, self.tree.prefixes, n, dtype=torch.float64)
        once = 1 + torch.arange(v)
        doubted = once * n + v + 2  # the node after "wrong"
        twice = doubted.unsqueeze(-1) * n + once
        table = table.index_copy(1, torch.zeros(1, dtype=torch.long), first).index_copy(1, once, verdicts)
        return table.index_copy(1, doubted, answers).index_copy(1, twice.flatten(), verdicts.repeat(1, v, 1))


@lru_cache(maxsize=4)
def start(seed: int, scale: str) -> tuple[Verified, Verifying, tuple[Example, ...]]:
    """The world, the policy that was shown how, and the traces."""
    world = Verified(seed=seed)
    policy = Verifying(world)
    contexts = [torch.tensor([i]) for i in range(SHOWN)]
    drawn = Group(TRACES)(policy, contexts, Decoding(1), seed)
    rows = []
    for question, said in zip(drawn.context.tolist(), drawn.actions[:, 0].tolist(), strict=True):
        right, v = int(world.answer[question]), world.vocabulary
        trace = (said, v) if said == right else (said, v + 1, right, v)
        rows.append(Example({"": Side((question,), trace, (False,) + (True,) * (len(trace) - 1))}))
    fit(policy, rows, replace(recipe["SFT on"], optimiser=AdamW(0.1)), Budget(2 if scale == "smoke" else SHOWN_FOR, len(rows), seed=seed))
    return world, policy, tuple(rows)


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    world, shown, rows = start(seed, scale)
    policy = Verifying(world)
    policy.module.load_state_dict(shown.module.state_dict())
    method = replace(recipe[arm], optimiser=AdamW(learning_rate))
    updates, practised = 2 if scale == "smoke" else UPDATES, [{"prompt": i} for i in range(world.contexts // 2)]
    if arm == "SFT on":
        fit(policy, list(rows), method, Budget(updates, len(rows), seed=seed))
    else:
        parts: Mapping[str, Any] = {name: world.of_part(k) for k, name in enumerate(PARTS)} if arm == "process" else {}
        improve(policy, FiniteScene(world, parts), practised, method, Budget(updates, len(practised), seed=seed), Decoding(4))
    return measured(policy, world)


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    world, shown, _ = start(seed, scale)
    return {"SFT": measured(shown, world)} | {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}


@torch.no_grad()
def measured(policy: Verifying, world: Verified) -> dict[str, float]:
    """Of held-out questions, exactly."""
    every, held_out = world.tree.actions, range(world.contexts // 2, world.contexts)
    chance = policy.log_probabilities().exp()
    found = {"accuracy": 0.0, "verdicts": 0.0, "said": 0.0, "mended": 0.0, "begun wrong": 0.0}
    for c in held_out:
        solved, p = world.solved(every, torch.full((len(every),), c)), chance[c]
        verdicts, wrong = solved[:, 1::2], solved[:, 0] < 0
        found["accuracy"] += float(p @ _last(solved)) / len(held_out)
        found["verdicts"] += float(p @ (verdicts > 0).double().sum(-1))
        found["said"] += float(p @ (~verdicts.isnan()).double().sum(-1))
        found["mended"] += float(p @ (wrong * _last(solved)))
        found["begun wrong"] += float(p @ wrong.double())
    return {
        "accuracy": found["accuracy"],
        "verdicts": found["verdicts"] / found["said"],
        "wrong to right": found["mended"] / found["begun wrong"],
    }
