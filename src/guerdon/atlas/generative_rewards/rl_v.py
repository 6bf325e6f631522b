"""RL^V: the model that is trained by reinforcement learns from the same samples to say whether a solution is right, and its votes are weighted by that.

World: six numbers between -2 and 2 and the sum of two of them; which two is asked. A solution names one number and then another. One trunk reads a number beside the one that is
already named, if any, and the sum, and three heads use what it reads:

    h(a, b, s) = tanh(trunk [a, b, s, is there b, 1])
    first_i ~ h(x_i, 0, s) . first        second_j ~ h(x_j, x_i, s) . second        P(yes) = sigmoid(h(x_j, x_i, s) . check + bias)

Who names the first number cannot know yet whether another will fit; who verifies sees both. At the start the model has seen 32 problems, and learned a little of both. A seed is
another start and other problems. 1000 steps of Adam on 16 of 1000 problems, 8 solutions of each.

* "RL": REINFORCE with a baseline that leaves one out, 1 for a right answer. "RL, verifying": the same, plus lambda times the log-likelihood of the verifier's yes or no about the
  same solutions. "RL, apart": RL, and a second model of the same start, which learns to verify alone, from the same solutions at the same time. The rate is tuned for all, lambda
  for the second and the verifier's own rate for the third, by what the vote of 8 comes to.
* Of "RL": "majority" votes; "own judge" weighs by P(yes) of the trained model that was only shown at the start how to verify (the model as a judge, asked).
* Of "RL, verifying": "weighted" votes by its own P(yes), and "majority of the joint". Of "RL, apart": "apart" by P(yes) of the second model.

Measured of 400 held-out problems with 8 solutions each: "right", of the answer chosen (``acting.choosers.weighted_vote``); "single", of one solution.

Source: Sareen et al. 2025, arXiv 2505.04842, abstract and summaries (one model, cross-entropy on yes or no with the samples of RL, weighted votes). Chosen here: the world.
Smallest differences of interest: 0.02 of accuracy.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from guerdon.acting.choosers.majority import Majority
from guerdon.acting.choosers.weighted_vote import WeightedVote
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.randomness import derive, generator

system = System(
    title="Putting the Value Back in RL: Better Test-Time Scaling by Unifying LLM Reasoners With Verifiers",
    link="https://arxiv.org/abs/2505.04842",
    kind="method",
    builds_on=("rloo", "genrm", "weighted-majority-vote"),
    read="summary",
    note=(
        "Own votes are worth 0.08 more than those of the majority, and 0.06 more than weighing by a judge that nobody taught, and learning to verify costs the policy "
        "nothing. But a second model that verifies alone, with rates of its own for it and for the policy, is better by 0.075: the policy then learns at 0.002 and stays "
        "diverse (single solutions 0.38 right, where RL alone comes to 0.48), the verifier at 0.1, and one rate for both can be only one of them. At RL's own rate for both the "
        "second model had been behind by 0.016."
    ),
)
NUMBERS, WIDTH, PROBLEMS, HELD_OUT, STEPS, BATCH, EACH = 6, 32, 1000, 400, 1000, 16, 8
SHOWN, SHOWN_STEPS, SHOWN_RATE = 32, 60, 0.03
recipe = {"advantage": LeaveOneOut(), "vote": WeightedVote(), "majority": Majority()}
claim = AllOf(
    BetterThan("weighted", "majority", on="right", effect=0.02, matched="problems, updates, samples"),
    BetterThan("weighted", "own judge", on="right", effect=0.02, matched="problems, updates, samples"),
    NoWorseThan("weighted", "majority", on="single", margin=0.02, matched="problems, updates"),
    NoWorseThan("weighted", "apart", on="right", margin=0.02, matched="problems, updates, samples"),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}
GRID = {
    "RL": {"learning_rate": (0.002, 0.003, 0.004, 0.005, 0.007, 0.01, 0.013, 0.017, 0.022, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.12)},
    "RL, verifying": {"learning_rate": (0.005, 0.015, 0.05, 0.12), "weight": (0.1, 0.3, 1.0, 3.0)},
    "RL, apart": {"learning_rate": (0.005, 0.015, 0.05, 0.12), "beside": (0.003, 0.01, 0.03, 0.1)},
}
TUNED_BY = "tuned by"


class Problems(NamedTuple):
    numbers: Tensor  # [N, NUMBERS]
    total: Tensor  # [N]
    pair: Tensor  # [N, 2], whose sum it is


class Solutions(NamedTuple):
    named: Tensor  # [N, G, 2]
    logp: Tensor  # [N, G]
    pair: Tensor  # [N, G, 2], the numbers themselves

    def right(self, asked: Problems) -> Tensor:
        return (self.named.sort(-1).values == asked.pair.unsqueeze(1)).all(-1).double()


class Model(NamedTuple):
    trunk: Tensor  # [5, WIDTH]
    first: Tensor  # [WIDTH]
    second: Tensor  # [WIDTH]
    check: Tensor  # [WIDTH]
    bias: Tensor  # []

    def read(self, number: Tensor, named: Tensor | None, total: Tensor) -> Tensor:
        """[..., WIDTH]."""
        there = torch.zeros_like(number) if named is None else torch.ones_like(number)
        named = torch.zeros_like(number) if named is None else named.expand_as(number)
        return torch.tanh(torch.stack([number, named, total.expand_as(number), there, torch.ones_like(number)], -1) @ self.trunk)

    def yes(self, pair: Tensor, total: Tensor) -> Tensor:
        """[N, G], log-odds that solutions are right."""
        return self.read(pair[..., 1], pair[..., 0], total.unsqueeze(-1)) @ self.check + self.bias

    def solved(self, asked: Problems, each: int, dice: torch.Generator) -> Solutions:
        total = asked.total.unsqueeze(-1)
        begin = F.log_softmax(self.read(asked.numbers, None, total) @ self.first, -1)
        one = torch.multinomial(begin.detach().exp(), each, True, generator=dice)
        numbers = asked.numbers.unsqueeze(1).expand(-1, each, -1)
        said = numbers.gather(-1, one.unsqueeze(-1))
        scores = self.read(numbers, said, total.unsqueeze(-1)) @ self.second
        follow = F.log_softmax(scores.scatter(-1, one.unsqueeze(-1), float("-inf")), -1)
        two = torch.multinomial(follow.detach().exp().flatten(0, 1), 1, generator=dice).view_as(one)
        named = torch.stack([one, two], -1)
        logp = begin.gather(-1, one) + follow.gather(-1, two.unsqueeze(-1)).squeeze(-1)
        return Solutions(named, logp, numbers.gather(-1, named))


def problems(n: int, seed: int, purpose: str) -> Problems:
    dice = generator(seed, purpose)
    numbers = 4 * torch.rand(n, NUMBERS, dtype=torch.float64, generator=dice) - 2
    pair = torch.rand(n, NUMBERS, generator=dice).topk(2, -1).indices.sort(-1).values
    return Problems(numbers, numbers.gather(-1, pair).sum(-1), pair)


def judged(model: Model, asked: Problems, solutions: Solutions) -> Tensor:
    """Cross-entropy of yes or no."""
    return F.binary_cross_entropy_with_logits(model.yes(solutions.pair, asked.total), solutions.right(asked))


def begun(seed: int) -> Model:
    """A model that has been shown a few solutions, right ones to learn and its own to judge."""
    dice = generator(seed, "start")
    size = (5, WIDTH), (WIDTH,), (WIDTH,), (WIDTH,), ()
    scale = 1.0, 0.3, 0.3, 0.3, 0.0
    model = Model(
        *((s * torch.randn(shape, dtype=torch.float64, generator=dice)).requires_grad_() for shape, s in zip(size, scale, strict=True))
    )
    asked = problems(SHOWN, seed, "shown")
    adam = torch.optim.Adam(model, lr=SHOWN_RATE)
    for _ in range(SHOWN_STEPS):
        told = model.solved(asked, 4 * EACH, dice)
        right = told.right(asked)
        loss = judged(model, asked, told) - (right * told.logp).sum() / right.sum().clamp(min=1)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return Model(*(value.detach() for value in model))


def trained(seed: int, scale: str, learning_rate: float, weight: float = 0.0, beside: float = 0.0) -> tuple[Model, Model]:
    """The model, and one that learns to verify alone from its solutions, at the rate ``beside``."""
    asked, start = problems(PROBLEMS, seed, "problems"), begun(seed)
    model, apart = (Model(*(value.clone().requires_grad_() for value in start)) for _ in range(2))
    adam, second = torch.optim.Adam(model, lr=learning_rate), torch.optim.Adam(apart, lr=beside)
    group, mask = torch.arange(BATCH).repeat_interleave(EACH), torch.ones(BATCH * EACH, 1, dtype=torch.bool)
    for step in range(STEPS if scale == "full" else 2):
        dice = generator(seed, "step", step)
        at = torch.randperm(PROBLEMS, generator=dice)[:BATCH]
        some = Problems(*(value[at] for value in asked))
        told = model.solved(some, EACH, dice)
        reward = told.right(some)
        credit = recipe["advantage"](reward=reward.flatten(), group=group, mask=mask).view(BATCH, EACH)
        loss = -(credit * told.logp).mean()
        if weight:
            loss = loss + weight * judged(model, some, told)
        if beside:
            second.zero_grad()
            judged(apart, some, told).backward()
            second.step()
        adam.zero_grad()
        loss.backward()
        adam.step()
    return model, apart


@torch.no_grad()
def measured(model: Model, seed: int, verifiers: dict[str, Model | None]) -> dict[str, dict[str, float]]:
    """What votes come to, weighted by each verifier, or by none."""
    asked = problems(HELD_OUT, seed, "held out")
    told = model.solved(asked, EACH, generator(seed, "measured"))
    answers = [[tuple(one) for one in row] for row in told.named.sort(-1).values.tolist()]
    truth, found = [tuple(one) for one in asked.pair.tolist()], {}
    single = float(told.right(asked).mean())
    for name, verifier in verifiers.items():
        weights = torch.ones(told.logp.shape) if verifier is None else torch.sigmoid(verifier.yes(told.pair, asked.total))
        vote = recipe["majority"] if verifier is None else recipe["vote"]
        chosen = [said[vote(said, weight)] for said, weight in zip(answers, weights.tolist(), strict=True)]
        found[name] = {"right": sum(map(tuple.__eq__, chosen, truth)) / HELD_OUT, "single": single}
    return found


def trial(arm: str, seed: int, scale: str, **setting: float) -> dict:
    seed = derive(seed, "world")
    model, apart = trained(seed, scale, **setting)
    verifier = {"RL": None, "RL, verifying": model, "RL, apart": apart}[arm]
    (found,) = measured(model, seed, {"voted": verifier}).values()
    return found | {"tuned by": found["right"]}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    seed = derive(seed, "world")
    alone, _ = trained(seed, scale, **tuned["RL"])
    joint, _ = trained(seed, scale, **tuned["RL, verifying"])
    policy, apart = trained(seed, scale, **tuned["RL, apart"])
    arms = measured(alone, seed, {"majority": None, "own judge": alone}) | measured(policy, seed, {"apart": apart})
    return arms | measured(joint, seed, {"weighted": joint, "majority of the joint": None})
