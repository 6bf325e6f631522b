"""AdaptiveStep: solutions are cut where the policy was least certain, and not at lines or after so many tokens; labels go where something was decided.

World: 60 problems with solutions in up to four steps (``worlds.finite.solutions``, modulo 4), spelled in tokens: a number is three (that there comes one, which, the end of the
line), idling one, an answer two. The first token of a step and a number are decisions, the others are certain; the value of a beginning is exact. A model of processes sees
blurred features of each token, a line's end no better than its number. The policy errs often (slip 0.35) and unlike from place to place (deviation 1), and is right four times in
ten.

Arms, by how solutions to 20 problems are cut: "whole", at the end only; "lines", at the end of each step; "every n", after n tokens; "adaptive", before the ``share`` of all
tokens that were the least likely; "random", before as many tokens, whichever; n and shares are tuned, a share is at least 2%, since below nothing is cut. All also at the end.
Each cut is labelled by eight continuations (``any_success``); solutions are taken, one problem after the other, until there are 360 labels, so that an arm with fewer cuts learns
from more solutions. A head with a hidden layer of 16 learns from them by cross-entropy. Its learning rate is tuned too, nine trials for each.

* "best of 8": accuracy on the 40 other problems, a solution judged by its least cut, cut as in training; exact over 32 solutions to each.
* "guided": accuracy of greedy decoding to these problems where at each token that is less than 0.7 likely the head chooses among all tokens; "greedy", without a head.

Source: Liu et al. 2025, arXiv 2502.13943, abstract and section 3 as quoted in notes (the threshold from a quantile, cuts begin with the uncertain token, hard estimation), and
authors' code (github.com/Lux0926/ASPRM, ``evaluation/math``: the least step of the best of N, the head's choice among the likely tokens below a threshold). There models of 7 B,
shares of 2% of some hundred tokens, 30 solutions to each problem; labels cost 30% fewer there and are as many here. Chosen here: the world, 360 labels, the threshold of guiding.
The smallest differences of interest: 0.03 of the best of 8, 0.05 of what is guided.
Set while exploring: the limits of n and of shares, without which both were tuned to whole solutions; "whole" and "random", to tell what few cuts do from where they are.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, Knob, System
from guerdon.atlas.process_rewards._steps import Drawn, best_of, drawn, rolled, taught
from guerdon.credit.segments.every_n import EveryN
from guerdon.credit.segments.least_certain import LeastCertain
from guerdon.data.step_labels.any_success import AnySuccess
from guerdon.feedback.aggregating.minimum import Minimum
from guerdon.losses.steps.step_cross_entropy import StepCrossEntropy
from guerdon.models.finite.policy import TablePolicy
from guerdon.quantities import Mask
from guerdon.randomness import derive, generator
from guerdon.steps import clean
from guerdon.worlds.finite.solutions import Solutions

system = System(
    title="AdaptiveStep: Automatically Dividing Reasoning Step through Model Confidence",
    link="https://arxiv.org/abs/2502.13943",
    kind="reward",
    builds_on=("least-certain", "any-success", "step-cross-entropy", "minimum", "best-of-n"),
    read="code",
    note=(
        "Cuts where the policy is least certain, of 6% of the tokens as tuned here, beat cuts at lines by 0.09 in the best of 8 and cuts after every five tokens by "
        "0.06, but are behind as many that are made at random at 2% by 0.07 and behind none at all by 0.10: few cuts leave labels for three times as many solutions, "
        "whose ends are told by outcomes, and where they are made does not matter here. At 2%, tuned on other seeds, they were level with random ones. The head guides "
        "decoding no better than greedy answers are (0.49 and 0.55)."
    ),
)
LABELS, CONTINUED, GUIDED_BELOW = 360, 8, 0.7
recipe = {"adaptive": LeastCertain(), "every n": EveryN(), "labels": AnySuccess(), "judged by": Minimum()}
_SHARE = Knob((0.02, 0.06, 0.2), least=0.02, most=1.0)
_RATES = (0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.05)
GRID = {
    "whole": {"learning_rate": _RATES},
    "lines": {"learning_rate": _RATES},
    "every n": {"learning_rate": (0.003, 0.01, 0.03), "n": Knob((2, 3, 5), least=1, most=6)},  # beyond 6 most solutions are whole
    "random": {"learning_rate": (0.003, 0.01, 0.03), "share": _SHARE},
    "adaptive": {"learning_rate": (0.003, 0.01, 0.03), "share": _SHARE},
}
TUNED_BY = "best of 8"
SEEDS = {"smoke": 1, "full": 28, "tune": 2}
claim = AllOf(
    *(
        BetterThan("adaptive", arm, on="best of 8", effect=0.03, matched="labels, updates")
        for arm in ("lines", "every n", "random", "whole")
    ),
    BetterThan("adaptive", "greedy", on="guided", effect=0.05),
    BetterThan("adaptive", "lines", on="guided", effect=0.05, matched="labels, updates"),
)
NUMBER, DIGIT, LINE = range(3)  # the tokens of a number; of idling there is only the first, of an answer the first two


@dataclass(frozen=True)
class Spelled:
    """Solutions in tokens, three places for each step: what was drawn, and which places hold a token [B, 3 T]."""

    solutions: Drawn
    mask: Tensor

    def of(self, table: Tensor) -> Tensor:
        """[C, P, V, 3, ...] → [B, 3 T, ...], what a table says of each token; 0 where there is none."""
        found = self.solutions.of(table).flatten(1, 2)
        return clean(found, self.mask.view(*self.mask.shape, *[1] * (found.dim() - 2)))

    def select(self, rows: Tensor) -> "Spelled":
        return Spelled(self.solutions.select(rows), self.mask[rows])


def spelled(world: Solutions, solutions: Drawn) -> Spelled:
    words = torch.tensor([3] * world.values + [1, 2])
    there = torch.arange(3) < words[solutions.action].unsqueeze(-1)
    return Spelled(solutions, (there & solutions.mask.unsqueeze(-1)).flatten(1))


def tokens(world: Solutions, policy: TablePolicy) -> tuple[Tensor, Tensor]:
    """[C, P, V, 3], the log-probability of each token of a step, and how likely success is after it."""
    chance, q = policy.logits.detach().softmax(-1), world.values_under(policy)[1]
    numbers = chance[..., : world.values]
    total = numbers.sum(-1, keepdim=True)
    opened = (numbers * q[..., : world.values]).sum(-1, keepdim=True) / total
    logp, worth = torch.zeros(*chance.shape, 3, dtype=torch.float64), q.unsqueeze(-1).repeat(1, 1, 1, 3)
    logp[..., NUMBER] = chance.log()
    logp[..., : world.values, NUMBER] = total.log()
    logp[..., : world.values, DIGIT] = (numbers / total).log()
    worth[..., : world.values, NUMBER] = opened
    return logp, worth


def features(world: Solutions, seed: int, width: int = 12, blur: float = 0.5) -> Tensor:
    """[C, P, V, 3, width]: facts of the step, or, where it is open which number comes, of what stands before it; mixed, with noise of its own at each token."""
    facts, states = world.facts(), world.states()
    before = torch.zeros(*facts.shape[:2], 1, facts.shape[-1], dtype=torch.float64)
    before[..., 0, -3:] = torch.stack([states.on_track, states.clean, states.done / world.count.unsqueeze(-1)], -1).double()
    told = facts.unsqueeze(-2).repeat(1, 1, 1, 3, 1)
    told[:, :, : world.values, NUMBER] = before
    rng = generator(seed, "features")
    rotation = torch.linalg.qr(torch.randn(width, facts.shape[-1], dtype=torch.float64, generator=rng))[0].T
    noise = torch.randn(*told.shape[:-1], width, dtype=torch.float64, generator=rng)
    noise[:, :, : world.values, NUMBER] = noise[:, :, :1, NUMBER]  # one token, whatever number follows
    return told @ rotation + blur * noise


def ends(segment: Tensor, mask: Mask) -> Mask:
    """[B, T], the last acted step of each segment."""
    out, following = [], torch.full_like(segment[:, 0], -1)
    for t in reversed(range(mask.shape[1])):
        out.append(mask[:, t] & (segment[:, t] != following))
        following = torch.where(mask[:, t], segment[:, t], following)
    return torch.stack(out[::-1], -1)


def cut(arm: str, asked: Spelled, logp: Tensor, seed: int, n: int = 1, share: float = 0.0) -> Mask:
    """Where an arm cuts solutions."""
    place = torch.arange(asked.mask.shape[1]).expand(asked.mask.shape)
    segment = {
        "whole": lambda: torch.zeros_like(place),
        "lines": lambda: place // 3,
        "every n": lambda: EveryN(n)(asked.mask),
        "random": lambda: LeastCertain(share)(torch.rand(place.shape, generator=generator(seed, "random cuts")), asked.mask),
        "adaptive": lambda: LeastCertain(share)(asked.of(logp), asked.mask),
    }[arm]()
    return ends(segment, asked.mask)


@lru_cache(maxsize=2)
def data(seed: int, scale: str) -> tuple[Solutions, TablePolicy, Tensor, Tensor, Tensor, Spelled, Spelled]:
    """The world, the policy, log-probabilities, values and features of tokens, and solutions to learn from and to choose among."""
    small = scale == "smoke"
    world = Solutions(contexts=9 if small else 60, depth=4, seed=derive(seed, "world"))
    policy = world.start(slip=0.35, deviation=1.0, seed=derive(seed, "policy"))
    logp, worth = tokens(world, policy)
    third = world.contexts // 3
    some = drawn(world, policy, range(third), 8 if small else 40, derive(seed, "labelled"))
    order = torch.argsort(torch.arange(len(some)) % (len(some) // third), stable=True)  # one of each problem, then the next of each
    many = drawn(world, policy, range(third, world.contexts), 8 if small else 32, derive(seed, "asked"))
    return world, policy, logp, worth, features(world, derive(seed, "features")), spelled(world, some.select(order)), spelled(world, many)


def trial(arm: str, seed: int, scale: str, learning_rate: float, **cuts_by: float) -> dict[str, float]:
    world, policy, logp, worth, seen, some, many = data(seed, scale)
    small = scale == "smoke"
    cuts = cut(arm, some, logp, derive(seed, "cuts"), **cuts_by)
    enough = int((cuts.sum(-1).cumsum(0) < (24 if small else LABELS)).sum()) + 1
    some, cuts = some.select(torch.arange(enough)), cuts[:enough]
    tried = rolled(some.of(worth), CONTINUED, derive(seed, "labels")) * CONTINUED
    labels = torch.tensor(AnySuccess()([[1.0] * int(k) + [0.0] * int(CONTINUED - k) for k in tried.flatten().tolist()])).view(tried.shape)
    steps, rng = 20 if small else 200, derive(seed, "head")
    said = taught(seen, some, labels.double(), StepCrossEntropy(), learning_rate, steps, hidden=16, judged=cuts, seed=rng)
    probability, own = torch.sigmoid(many.of(said)), cut(arm, many, logp, derive(seed, "asked cuts"), **cuts_by)
    judged = torch.tensor([Minimum()(row[there].tolist()) for row, there in zip(probability, own, strict=True)], dtype=torch.float64)
    return {
        "best of 8": best_of(many.solutions, judged, 8),
        "guided": guided(world, policy, said, GUIDED_BELOW),
        "solutions": float(enough),
        "labels": float(cuts.sum()),
    }


def guided(world: Solutions, policy: TablePolicy, said: Tensor, below: float) -> float:
    """The share of problems that greedy decoding gets right, the head choosing where the likeliest token is less likely than ``below``."""
    chance, right = policy.logits.detach().softmax(-1), world.ends()
    problems = range(world.contexts // 3, world.contexts)
    found = 0.0
    for problem in problems:
        node = 0
        for _ in range(world.depth):
            p, score = chance[problem, node], said[problem, node]
            numbers = p[: world.values]
            first = torch.stack([numbers.sum(), p[world.idling], p[world.answering]])
            step = _chosen(first, score[[0, world.idling, world.answering], NUMBER], below)
            action = (
                (world.idling, world.answering)[step - 1] if step else _chosen(numbers / numbers.sum(), score[: world.values, DIGIT], below)
            )
            found += float(right[problem, node, action])
            if action == world.answering:
                break
            node = node * world.tree.vocabulary + action + 1
    return found / len(problems)


def _chosen(chance: Tensor, score: Tensor, below: float) -> int:
    return int((score if float(chance.max()) < below else chance).argmax())


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    world, policy, _, _, _, _, many = data(seed, scale)
    greedy = guided(world, policy, torch.zeros(*policy.logits.shape, 3), 0.0)
    alone = float(many.solutions.outcome.mean())
    return {"greedy": {"guided": greedy, "best of 8": alone}} | {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
