"""Themis: a reward model that asks a calculator before it scores, and learns what to make of the answer.

World: sums a + b with an answer c that is right, or off by 1 to 5 in either direction, alike; and a manner m of N(0, 1), how an answer is put. People prefer one of two answers
to a sum by sigmoid(3 difference of being right + difference of manner); in a pair the first is right as often as not. Operands are 0 to 19 where reward models learn, from 600
pairs. A seed is another draw of all.

All are Bradley-Terry heads, linear in what they read. "scalar": the manner, and 64 fixed random features, relu(u . (a, b, c) / 20 + v). "with tools": these, whether what the
calculator said is c, and the distance of the two, at most 6. The call is written by the model: it copies each operand right with probability 0.95, else one digit is wrong by
one, up or down. "tool alone": whether what the calculator said is c, without learning. "adds itself": what the scalar one reads, and relu(a + b - c - k) for k from -6 to 6: a
body that has learned to add, whose head has to learn that equal sums count. It makes no mistakes in copying, so it need not be behind.

Measured on 2,000 pairs: "accuracy", how often the one that people preferred scores more, by range: 0, operands from 0 to 19; 1, from 20 to 39. Ridges are chosen alike on 500
more pairs of the first range. "gain" is with tools over the scalar one, by range.

Source: Li et al. 2023, arXiv 2310.01045, abstract, and its authors' code (ernie-research/Tool-Augmented-Reward-Model: thought, action, observation and rationale are written, and
learned with the ranking loss at half the weight). Here writing calls is no longer learned but right as often as said; there tools are seven, of which this is one. Smallest
differences of interest: 0.01, 0.02 for the growth."""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, GrowsWith, NoWorseThan, System
from guerdon.atlas.generative_rewards._items import CHOSEN
from guerdon.atlas.generative_rewards._linear import at_the_best, logistic
from guerdon.feedback.formats.with_tools import WithTools
from guerdon.randomness import generator

system = System(
    title="Tool-Augmented Reward Modeling",
    link="https://arxiv.org/abs/2310.01045",
    kind="reward",
    builds_on=("bradley-terry-rm", "tool-executor", "lm-auxiliary-loss", "generative-critique"),
    read="code",
    untuned=CHOSEN,
    note=(
        "Asking a calculator is worth 0.11 of accuracy over fixed features where operands are those that were learned on, and 0.16 "
        "where they are larger; a head over a body that can add is 0.02 ahead of it, as one call in ten or so is miscopied. Learning "
        "what to make of the answer, beside the manner, is worth 0.10 over the tool alone. That the gain grows with the operands by "
        "more than 0.02 ten seeds leave open (0.05, from 0.016 to 0.083)."
    ),
)
PAIRS, TUNING, TESTED, HIDDEN, COPIED, RANGES = 600, 500, 2000, 64, 0.95, (range(20), range(20, 40))
recipe = {"with tools": WithTools({"add": "calculator.py:add"})}
claim = AllOf(
    BetterThan("with tools", "scalar", on="accuracy", at="first", effect=0.01, matched="pairs"),
    BetterThan("with tools", "scalar", on="accuracy", at="last", effect=0.01, matched="pairs"),
    NoWorseThan("with tools", "adds itself", on="accuracy", at="every", margin=0.05, matched="pairs"),
    BetterThan("with tools", "tool alone", on="accuracy", at="every", effect=0.01, matched="calls"),
    GrowsWith("with tools", on="gain", by=0.02),
)
SEEDS = {"smoke": 1, "full": 10}


class Pairs:
    """Two answers to each of n sums, of which the first is preferred: what is read of both, and whether the calculator agrees."""

    def __init__(self, n: int, operands: range, rng: torch.Generator, features: tuple[Tensor, Tensor]) -> None:
        def uniform(*shape: int) -> Tensor:
            return torch.rand(*shape, dtype=torch.float64, generator=rng)

        sums = operands.start + torch.randint(len(operands), (n, 2), generator=rng)
        off = torch.randint(1, 6, (n, 2), generator=rng) * (2 * torch.randint(2, (n, 2), generator=rng) - 1)
        right = uniform(n, 2) < 0.5
        said = sums.sum(-1, keepdim=True) + torch.where(right, 0, off)
        manner = torch.randn(n, 2, dtype=torch.float64, generator=rng)
        liked = 3 * right.double() + manner
        wins = uniform(n, 1) < torch.sigmoid(liked[:, :1] - liked[:, 1:])
        digit = 10 ** torch.randint(2, (n, 2, 2), generator=rng) * (2 * torch.randint(2, (n, 2, 2), generator=rng) - 1)
        copied = sums.unsqueeze(1) + torch.where(uniform(n, 2, 2) < COPIED, 0, digit)  # a call for each answer
        told = copied.sum(-1)

        def ordered(one: Tensor) -> Tensor:
            """The preferred one first."""
            return torch.where(wins, one, one.flip(1))

        seen = torch.cat([sums.unsqueeze(1).expand(-1, 2, -1), said.unsqueeze(-1)], -1).double() / 20
        hidden = (seen @ features[0] + features[1]).relu()
        read = torch.cat([manner.unsqueeze(-1), hidden], -1)
        self.agrees = ordered((told == said).double())
        apart = ordered((told - said).abs().clamp(max=6).double())
        self.scalar = torch.where(wins.unsqueeze(-1), read, read.flip(1))
        over = ordered((sums.sum(-1, keepdim=True) - said).double()).unsqueeze(-1) - torch.arange(-6.0, 7.0, dtype=torch.float64)
        self.adds_itself = torch.cat([self.scalar, over.relu() / 3], -1)
        self.with_tools = torch.cat([self.scalar, self.agrees.unsqueeze(-1), apart.unsqueeze(-1)], -1)


def experiment(seed: int, scale: str) -> dict:
    rng = generator(seed, "sums")
    ways = torch.randn(3, HIDDEN, dtype=torch.float64, generator=rng), torch.randn(HIDDEN, dtype=torch.float64, generator=rng)
    learned, tuning = (Pairs(n, RANGES[0], rng, ways) for n in (PAIRS, TUNING))
    tested = [Pairs(TESTED, operands, rng, ways) for operands in RANGES]
    arms: dict[str, dict] = {}
    for reads in ("scalar", "with_tools", "adds_itself"):
        gap = _gap(getattr(learned, reads))
        w = at_the_best(
            lambda ridge, gap=gap: logistic(gap, torch.ones(len(gap), dtype=torch.float64), ridge),
            lambda w, reads=reads: right(_gap(getattr(tuning, reads)) @ w),
        )
        arms[reads.replace("_", " ")] = {"accuracy": {i: right(_gap(getattr(one, reads)) @ w) for i, one in enumerate(tested)}}
    arms["tool alone"] = {"accuracy": {i: right(_gap(one.agrees)) for i, one in enumerate(tested)}}
    arms["with tools"]["gain"] = {i: found - arms["scalar"]["accuracy"][i] for i, found in arms["with tools"]["accuracy"].items()}
    return arms


def _gap(sides: Tensor) -> Tensor:
    return sides[:, 0] - sides[:, 1]


def right(gap: Tensor) -> float:
    """The share of pairs in which the preferred answer scores more; a tie is half right."""
    return float((0.5 + gap.sign() / 2).mean())
