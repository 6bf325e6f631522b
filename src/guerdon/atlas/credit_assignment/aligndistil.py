"""AlignDistil: a teacher put together, token by token, from a model that learned what people prefer and one that learned the opposite.

World: a tree of answers of one to four steps over four actions with N(0, 1) rewards, a reference with logits from N(0, 1), and a proxy: the
reward with errors from N(0, 1) of its own, in the place of what finitely many preferences tell. Everything is solved, nothing is sampled or
trained:

    DPO(s)           = reference * exp(s proxy) / Z            of whole answers: the optimum of DPO, and of RLHF, with beta 1 / s
    reverse          = reference * exp(-proxy) / Z             what DPO makes of the same preferences turned around
    teacher(a_t)     = softmax(log reference + a_t (log DPO(1) - log reverse))        of each token; a student that is distilled from it without error is it

Arms: DPO along s; the teacher with one a for all tokens, along a ("constant"); and AlignDistil, a_t = a * TV(DPO(1), reverse) of the token,
along a.

Measured: the distance (TV) of the constant teacher at a = 1 from the RLHF optimum under the reward that it stands for, log DPO - log
reverse, whose temperature is then 1, for answers of one step and of four; and the true reward at the price of KL from the reference.

Claimed: the two are one (within 0.01), as the paper's theorem says of the objectives; and AlignDistil is ahead of DPO, and of the constant
teacher, at equal KL. By how much anybody would care: 0.02 of a reward with deviation 1.

Source: Zhang et al. 2025, arXiv 2503.02832: the abstract, and accounts of the derivation (RLHF's objective with the reward of DPO is taken
apart into tokens; teacher logits combine linearly; the extrapolation follows the total variation distance of the two models). Whether a_t
multiplies the reference's logits or DPO's differs between accounts: the reference's here. What the equivalence is of in the paper, the
objective of each token given what stands before it or the optimum of the whole, was not read: the optimum is what is tried. That errors of
a proxy are alike for all answers: ours.
"""

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, EqualTo, System
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive
from guerdon.recipes.distillation import recipe as distillation
from guerdon.worlds.finite.random_tree import RandomTree

system = System(
    title="AlignDistil: Token-Level Language Model Alignment as Adaptive Policy Distillation",
    link="https://arxiv.org/abs/2503.02832",
    kind="method",
    builds_on=("dpo", "distillation", "kl-regularised-optimum"),
    read="summary",
    untuned="exact solutions, compared along all of their strengths",
)
recipe = {"AlignDistil": distillation}  # of a student; here it is solved
claim = AllOf(
    EqualTo("one step", 0.0, on="distance from the optimum", tolerance=0.01),
    EqualTo("four steps", 0.0, on="distance from the optimum", tolerance=0.01),
    AheadAlong("AlignDistil", "DPO", on="reward", along="KL", effect=0.02),
    AheadAlong("AlignDistil", "constant", on="reward", along="KL", effect=0.02),
)
SEEDS = {"smoke": 1, "full": 40}
STRENGTHS = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0, 1.5, 2.0)
ACTIONS, DEPTH = 4, 4


def experiment(seed: int, scale: str) -> dict:
    """One world; at smoke scale its answers have three steps."""
    deep = World(seed, 3 if scale == "smoke" else DEPTH)
    return {
        "one step": {"distance from the optimum": World(seed, 1).distance()},
        "four steps": {"distance from the optimum": deep.distance()},
        "DPO": deep.along(deep.preferring),
        "constant": deep.along(lambda a: deep.teacher(torch.tensor(a))),
        "AlignDistil": deep.along(lambda a: deep.teacher(a * deep.apart().unsqueeze(-1))),
    }


class World:
    """A tree, its reference and its proxy."""

    def __init__(self, seed: int, depth: int):
        self.tree = RandomTree(vocabulary=ACTIONS, depth=depth, seed=derive(seed, "world"))
        self.reference = self.tree.policy(deviation=1.0, seed=derive(seed, "reference")).build()
        self.proxy = self.tree.rewards() + RandomTree(vocabulary=ACTIONS, depth=depth, seed=derive(seed, "errors")).rewards()

    def preferring(self, strength: float) -> TablePolicy:
        """The reference tilted by so much of the proxy; a negative strength prefers the opposite."""
        return self.reference.distribute(self.reference.log_probabilities() + strength * self.proxy)

    def tables(self) -> tuple[Tensor, Tensor, Tensor]:
        """Next-step log-probabilities [1, P, V] of the reference, of DPO and of its reverse."""
        policies = (self.reference, self.preferring(1.0), self.preferring(-1.0))
        return tuple(policy.logits.detach().log_softmax(-1) for policy in policies)

    def apart(self) -> Tensor:
        """[1, P], the total variation distance of DPO and its reverse at each prefix."""
        _, forth, back = self.tables()
        return (forth.exp() - back.exp()).abs().sum(-1) / 2

    def teacher(self, extrapolation: Tensor) -> TablePolicy:
        """``extrapolation``: of each prefix [1, P, 1], or one for all."""
        start, forth, back = self.tables()
        return TablePolicy(self.tree.tree, start + extrapolation * (forth - back))

    def distance(self) -> float:
        """From the constant teacher to the optimum of the reward that it stands for."""
        reward = (self.preferring(1.0).log_probabilities() - self.preferring(-1.0).log_probabilities()).detach()
        best = KLRegularisedOptimum(1.0)(reward, self.reference.probabilities(0).detach())["policy"][0]
        return float((self.teacher(torch.tensor(1.0)).probabilities(0).detach() - best).abs().sum() / 2)

    @torch.no_grad()
    def along(self, policy) -> dict:
        made = {strength: policy(strength) for strength in STRENGTHS}
        return {
            "reward": {strength: float(one.expect(self.tree.rewards())[0]) for strength, one in made.items()},
            "KL": {strength: float(one.kl(self.reference)[0]) for strength, one in made.items()},
        }
