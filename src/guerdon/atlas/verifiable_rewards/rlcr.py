"""RLCR: being right, less the squared error of how sure one says one is.

World: 32 questions to each of which one of four answers is given and then one of five confidences (0, 1/4, 1/2, 3/4, 1). An answer is right by
chance, with a probability of its own, uniform on 0 to 1: nobody can be surer than that. Policies are tables that begin with logits from N(0, 0.5^2);
all questions are trained on, with 16 answers each; a seed is another world, policy and luck.

Arms, REINFORCE with the mean of the group: "RLVR" (right: 1), "RLCR" (right, less (q - right)^2), "Brier alone", and "RLVR, then Brier" (the first
half of the steps for being right, the second for the Brier score alone, as a confidence that is trained afterwards). Learning rates of the first two
are tuned alike, by the score that RLCR maximises, after 60 steps.

Measured, exact: "accuracy" (the probability of being right), "Brier" (the expected squared error) and "ECE" (over the five confidences, the distance
of what is said from how often it is right). That RLVR is worse calibrated holds by construction, since nothing tells it what to say; the leaf that
can fail is against a confidence that is trained afterwards. "optimum" is the share of questions of which the pair with the largest expected reward is
the likeliest answer and the confidence nearest to its probability: the paper's theorem, for confidences on a grid.

Source: Damani et al. 2025, arXiv 2507.16806: its reward, and its theorem on what that is largest for. There: HotPotQA and mathematics, a model of 7 B that
writes its confidence. Chosen here: the world. The smallest differences of interest: 0.02 of accuracy, 0.02 of Brier.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, EqualTo, NoWorseThan, System
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree, context_indices
from guerdon.randomness import derive, generator
from guerdon.sequences import Decoding, Sequences
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.enumerable import EnumerableWorld

system = System(
    title="Beyond Binary Rewards: Training LMs to Reason About Their Uncertainty",
    link="https://arxiv.org/abs/2507.16806",
    kind="reward",
    builds_on=("reinforce", "stated-confidence", "brier"),
    read="abstract",
)
ANSWERS, LEVELS, STEPS = 4, 5, 60


@dataclass(frozen=True)
class Confident(EnumerableWorld):
    """``right``, ``brier``: the weights of being right and of minus the squared error."""

    contexts: int = 32
    seed: int = 0
    right: float = 1.0
    brier: float = 1.0
    tree = PrefixTree(LEVELS, 2)

    def chances(self) -> Tensor:
        """[C, S], how likely an answer is right; the last of the five first actions is no answer."""
        drawn = torch.rand(self.contexts, ANSWERS, dtype=torch.float64, generator=generator(self.seed, "confident"))
        return torch.cat([drawn, torch.zeros(self.contexts, 1, dtype=torch.float64)], 1)[:, self.tree.actions[:, 0]]

    def said(self) -> Tensor:
        """[S], the confidences."""
        return self.tree.actions[:, 1] / (LEVELS - 1)

    def errors(self) -> Tensor:
        """[C, S], the expected squared error of what is said."""
        p, q = self.chances(), self.said()
        return p * (1 - q) ** 2 + (1 - p) * q**2

    def rewards(self) -> Tensor:
        return self.right * self.chances() - self.brier * self.errors()

    def reward_of(self, sequences: Sequences, seed: int | None = None) -> Tensor:
        at = context_indices(sequences, self.contexts), self.tree.index(sequences.actions, sequences.length)
        luck = torch.rand(len(sequences), dtype=torch.float64, generator=generator(derive(self.seed, seed or 0), "luck"))
        right = (luck < self.chances()[at]).double()
        return self.right * right - self.brier * (self.said()[at[1]] - right) ** 2


recipe = Recipe((Term(Reinforce(), reduce=ConstantLength(2)),), AdamW(0.05), Group(16), advantage=GroupCentred(scale=None))
WEIGHTS = {"RLVR": (1.0, 0.0), "RLCR": (1.0, 1.0), "Brier alone": (0.0, 1.0)}
_KNOBS = {"learning_rate": (0.05, 0.15, 0.45)}
GRID = {"RLVR": _KNOBS, "RLCR": _KNOBS}
TUNED_BY = "right less error"
claim = AllOf(
    BetterThan("RLCR", "RLVR", on="ECE", lower_is_better=True, effect=0.02, by_construction=True),
    NoWorseThan("RLCR", "RLVR", on="accuracy", margin=0.02, matched="samples, updates"),
    NoWorseThan("RLCR", "RLVR, then Brier", on="Brier", margin=0.02, lower_is_better=True, matched="samples, updates"),
    NoWorseThan("RLCR", "RLVR, then Brier", on="accuracy", margin=0.02, matched="samples, updates"),
    BetterThan("RLCR", "Brier alone", on="accuracy", effect=0.02, matched="samples, updates"),
    EqualTo("RLCR", 1.0, on="optimum", tolerance=0.0),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 3}


def trained(policy: TablePolicy, arm: str, seed: int, steps: int, learning_rate: float, part: int = 0) -> TablePolicy:
    right, brier = WEIGHTS[arm]
    world = Confident(seed=seed, right=right, brier=brier)
    budget = Budget(steps=steps, batch_size=world.contexts, seed=derive(seed, "training", part))
    improve(policy, FiniteScene(world), world.train(), replace(recipe, optimiser=AdamW(learning_rate)), budget, Decoding(2))
    return policy


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    return measured(trained(start(seed), arm, seed, 2 if scale == "smoke" else STEPS, learning_rate), seed)


def start(seed: int) -> TablePolicy:
    return Confident(seed=seed).policy(0.5, derive(seed, "policy")).build()


def measured(policy: TablePolicy, seed: int) -> dict:
    world = Confident(seed=seed)
    said, chance = policy.log_probabilities().detach().exp() / world.contexts, world.chances()
    level = world.tree.actions[:, 1]
    mass, right = (torch.zeros(LEVELS, dtype=torch.float64).index_add(0, level, x.sum(0)) for x in (said, said * chance))
    gap = (right - mass * torch.arange(LEVELS) / (LEVELS - 1)).abs().sum()
    accuracy, error = float((said * chance).sum()), float((said * world.errors()).sum())
    return {"accuracy": accuracy, "Brier": error, "ECE": float(gap), "right less error": accuracy - error}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    found, half = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}, 1 if scale == "smoke" else STEPS // 2
    found["Brier alone"] = trial("Brier alone", seed, scale, **tuned["RLCR"])
    policy = trained(start(seed), "RLVR", seed, half, **tuned["RLVR"])
    found["RLVR, then Brier"] = measured(trained(policy, "Brier alone", seed, half, **tuned["RLCR"], part=1), seed)
    world = Confident(seed=seed)
    best, chance = world.rewards().argmax(-1), world.chances()
    top = chance.max(-1).values
    right = (chance.gather(-1, best.unsqueeze(-1)).squeeze(-1) == top) & ((world.said()[best] - top).abs() <= 0.5 / (LEVELS - 1) + 1e-12)
    found["RLCR"]["optimum"] = float(right.double().mean())
    return found
