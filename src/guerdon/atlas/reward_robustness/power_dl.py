"""POWER-DL: a poor answer that was lucky in the only comparison it had is not promoted, and a good one that was unlucky in its only one is not demoted.

World: bandits of eight answers of one step, 32 of them to a seed. Six answers are worth N(0, 1); one is poor (-2), one is good (2). The policy starts from a reference with
log p = worth / 2 + N(0, 1/4), normalised. 300 comparisons of two of the six are drawn, 20 of each pair, and one each of the poor and of the good answer with one of the six, all by
Bradley-Terry; so those two are hardly covered. "type I": the poor answer's comparison is won, whatever was likely; "type II": the good one's is lost; "drawn": both as they fall,
which is what anybody can expect. 100 steps of plain gradient descent on all comparisons, each with the same weight: so how fast a pair is learned goes with how often it was
compared, as in the paper's analysis. (With 60 comparisons, 4 of each pair, labels of all pairs drift alike, and nothing could be told apart: it was tried first.)

Arms: DPO, DPO+SFT (RPO), SimPO, POWER (entropy, of which all answers have the same weight as all are equally long, no reference, and SFT) and POWER-DL, in which labels drift. Each
has 8 settings, and more of the most; the last one's SFT has the weight 0.001, about what the others came to in the first try.

Measured, exact: "gold" of the policy, the mean over bandits, in each of the three, and "mean gold" over them, by which all arms are tuned; "poor, type I" and "good, type II":
how likely the poor and the good answer have become, less how likely they were in the reference.

Source: Rashidinejad and Tian 2024, arXiv 2412.09544, of which the abstract and summaries were read: two kinds of reward hacking of comparisons that are few, and the method. There
propositions on bandits of three answers, and models of 8 B on UltraFeedback. The world and its sizes are ours. The smallest differences of interest: 0.02 of gold, 0.01 of a
probability.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, Knob, NoWorseThan, System
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.labels.drifting import Drifting
from guerdon.losses.labels.soft import Soft
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores import Score
from guerdon.losses.scores.entropy_weighted import EntropyWeighted
from guerdon.losses.scores.log_probability import LogProbability
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.scores.mean_log_probability import MeanLogProbability
from guerdon.randomness import generator

system = System(
    title="Sail into the Headwind: Alignment via Robust Rewards and Dynamic Labels against Reward Hacking",
    link="https://arxiv.org/abs/2412.09544",
    kind="method",
    builds_on=("dpo", "rpo", "simpo", "soft", "entropy-weighted", "drifting"),
    read="abstract",
    note=(
        "POWER-DL does not promote the lucky poor answer (less likely by 0.03, where DPO makes it likelier by 0.03), yet has no more gold for it, and keeps 0.08 more than DPO "
        "where the good one was unlucky, as it hardly learns from one comparison; the price is 0.19 of gold where the few comparisons fall as they may. No arm keeps the good "
        "answer likely. Of the rates tried, labels that hardly drift are best, so POWER-DL is POWER here. Of its labels a summary was read: another rule may do otherwise."
    ),
)
BANDITS, COVERED, STEPS, COMPARISONS = {"smoke": 8, "full": 32}, 6, {"smoke": 10, "full": 100}, 300
POOR, GOOD = COVERED, COVERED + 1
KINDS = ("drawn", "type I", "type II")
recipe = {
    "DPO": Pairwise(LogRatio(), Logistic()),
    "DPO+SFT": (Pairwise(LogRatio(), Logistic()), LogProbability()),
    "SimPO": Pairwise(MeanLogProbability(), Logistic(lead=1.0)),
    "POWER": (Pairwise(EntropyWeighted(), Logistic()), MeanLogProbability()),
    "POWER-DL": (Pairwise(EntropyWeighted(), Logistic(), label=Drifting()), MeanLogProbability()),
}
RATES, ETAS, SLIGHT = (4.0, 16.0), Knob((0.001, 0.01), least=0.0), 0.001
GRID = {
    "DPO": {"learning_rate": RATES, "beta": (0.1, 0.3, 1.0, 3.0)},
    "DPO+SFT": {"learning_rate": RATES, "beta": (0.3, 1.0), "eta": ETAS},
    "SimPO": {"learning_rate": RATES, "beta": (0.1, 0.3), "lead": Knob((1.0, 9.0), least=0.0)},
    "POWER": {"learning_rate": RATES, "beta": (0.1, 0.3), "eta": ETAS},
    "POWER-DL": {"learning_rate": RATES, "beta": (0.1, 0.3), "gamma": Knob((0.003, 0.03), least=0.0)},
}
TUNED_BY = "mean gold"
claim = AllOf(
    BetterThan("POWER-DL", "DPO", on="gold, type I", effect=0.02, matched="comparisons, steps"),
    BetterThan("POWER-DL", "DPO+SFT", on="gold, type I", effect=0.02, matched="comparisons, steps"),
    BetterThan("POWER-DL", "DPO", on="gold, type II", effect=0.02, matched="comparisons, steps"),
    BetterThan("POWER-DL", "DPO+SFT", on="gold, type II", effect=0.02, matched="comparisons, steps"),
    BetterThan("POWER-DL", "POWER", on="good, type II", effect=0.01, matched="comparisons, steps"),
    NoWorseThan("POWER-DL", "DPO", on="gold, drawn", margin=0.02, matched="comparisons, steps"),
)
SEEDS = {"smoke": 1, "full": 36, "tune": 2}


def trial(arm: str, seed: int, scale: str, **setting: float) -> dict:
    slight = {"eta": SLIGHT} if arm == "POWER-DL" else {}
    return learned(Bandits(seed, BANDITS[scale]), Method.of(arm, **slight, **setting), STEPS[scale])


@dataclass(frozen=True)
class Method:
    """What is minimised: a comparison, and the mean of what makes the preferred answer likely, with a weight."""

    score: Score
    learning_rate: float
    lead: float = 0.0
    anchor: Score | None = None
    weight: float = 0.0
    gamma: float = 0.0

    @classmethod
    def of(cls, arm: str, learning_rate: float, beta: float = 1.0, eta: float = 0.0, lead: float = 0.0, gamma: float = 0.0) -> "Method":
        scores = {"DPO": LogRatio, "DPO+SFT": LogRatio, "SimPO": MeanLogProbability, "POWER": EntropyWeighted, "POWER-DL": EntropyWeighted}
        anchor = LogProbability(1.0) if arm == "DPO+SFT" else MeanLogProbability(1.0)
        return cls(scores[arm](beta), learning_rate, lead * beta, anchor, eta * beta, gamma)


class Bandits:
    """Bandits side by side: what answers are worth, and what was compared, in each of the three kinds."""

    def __init__(self, seed: int, count: int) -> None:
        rng = generator(seed, "bandits")
        answers = COVERED + 2
        worth = torch.randn(count, answers, dtype=torch.float64, generator=rng)
        worth[:, POOR], worth[:, GOOD] = -2.0, 2.0
        reference = (worth / 2 + torch.randn(worth.shape, dtype=torch.float64, generator=rng) / 2).log_softmax(-1)
        first = torch.randint(COVERED, (count, COMPARISONS), generator=rng)
        second = (first + torch.randint(1, COVERED, (count, COMPARISONS), generator=rng)) % COVERED
        rare = torch.tensor([POOR, GOOD]).expand(count, 2)
        pair = torch.cat([torch.stack([first, second], -1), torch.stack([rare, torch.randint(COVERED, (count, 2), generator=rng)], -1)], 1)
        gap = worth.gather(1, pair[..., 0]) - worth.gather(1, pair[..., 1])
        won = torch.rand(gap.shape, dtype=torch.float64, generator=rng) < gap.sigmoid()
        kinds = won.repeat(len(KINDS), 1, 1)  # [kinds, bandits, pairs]
        kinds[KINDS.index("type I"), :, -2] = True
        kinds[KINDS.index("type II"), :, -1] = False
        self.worth, self.reference = (table.repeat(len(KINDS), 1) for table in (worth, reference))
        pairs = pair.repeat(len(KINDS), 1, 1)
        ordered = torch.where(
            kinds.view(-1, kinds.shape[-1], 1), pairs, pairs.flip(-1)
        )  # [kinds * bandits, pairs, 2], the preferred one first
        code = (torch.arange(len(ordered)).unsqueeze(-1) * answers + ordered[..., 0]) * answers + ordered[..., 1]
        different, times = code.flatten().unique(
            return_counts=True
        )  # those that were compared with one outcome several times are one row with a weight
        self.bandit, self.chosen, self.rejected = different // answers**2, different // answers % answers, different % answers
        self.times = times.double() / ordered.shape[1]

    def sides(self, logp: Tensor, view: str = "") -> dict[str, Tensor]:
        """The log-probability of the one step of each side, [N, 1], by its name."""
        answers = {"chosen": self.chosen, "rejected": self.rejected}
        return {f"{side}_{view}logp": logp[self.bandit, answer].unsqueeze(-1) for side, answer in answers.items()}


def learned(bandits: Bandits, method: Method, steps: int) -> dict:
    logits = bandits.reference.clone().requires_grad_(True)
    preference = torch.ones_like(bandits.times)
    label = Drifting(method.gamma)
    acted = torch.ones(len(bandits.times), 1, dtype=torch.bool)
    fixed = bandits.sides(bandits.reference, "ref_") | {"chosen_mask": acted, "rejected_mask": acted}
    loss = Pairwise(method.score, Logistic(lead=method.lead), label=Soft())
    for _ in range(steps):
        given = fixed | bandits.sides(logits.log_softmax(-1))
        value = loss(**given, preference=preference)
        if method.weight:
            value = value - method.weight * method.anchor(given["chosen_logp"], given["chosen_mask"])
        (gradient,) = torch.autograd.grad((bandits.times * value).sum(), logits)
        with torch.no_grad():
            preference = label(**loss.scores(given), preference=preference) if method.gamma else preference
            logits -= method.learning_rate * gradient
    now = logits.detach().softmax(-1).unflatten(0, (len(KINDS), -1))
    start, worth = (table.unflatten(0, (len(KINDS), -1)) for table in (bandits.reference.exp(), bandits.worth))
    gold = (now * worth).sum(-1).mean(-1)
    moved = (now - start).mean(1)
    found = {f"gold, {kind}": float(gold[i]) for i, kind in enumerate(KINDS)}
    found["mean gold"] = float(gold.mean())
    found["gold, reference"] = float((start * worth).sum(-1).mean())
    return found | {"poor, type I": float(moved[1, POOR]), "good, type II": float(moved[2, GOOD])}
