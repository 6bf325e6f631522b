"""RTO: a DPO policy says of each step what it is worth, and PPO is paid so.

World: four prompts, answers of six steps over three actions, of which two that differ from prompt to prompt decide (``_worlds.Decisive``); the policy is a table with logits from
N(0, 1), the reference too. 300 pairs of answers of each prompt are drawn from it and labelled by Bradley and Terry on 4 times the reward; DPO with beta 0.1 is fitted to them by
300 steps of AdamW. Nobody is told the reward otherwise. A seed is another world, policy and set of pairs.

Arms, all PPO with a critic that is a table of all prefixes, 16 answers a prompt, two epochs of two minibatches, and a KL of weight 0.01 in the reward:

* "PPO, at the end": DPO's implicit reward beta log(DPO / reference) of the whole answer, at its last step; what a reward model of the same comparisons would pay;
* "RTO": the same sum, each step paid its own term;
* "DPO": the policy that was fitted, at 20, 60, 150 and 300 steps.

So the two PPOs have the same return and differ in when it is paid. Compared are the true reward, exact, at the same KL from the reference, along 20 rounds; and "early", after
5 rounds, which is what "fewer samples" means here. Tuned by the true reward after 10 rounds: the learning rates of policy and critic; by that after 300 steps: DPO's learning
rate and beta. In a first confirmation the critic's rate was three times the policy's, at which such a table overshoots.

The smallest difference of interest: 0.02 of a success rate.

Source: Zhong et al. 2024, arXiv 2404.18922, of which the abstract was read, and its authors' scripts (github.com/zkshan2002/RTO: ``dpo_reward_scale`` 0.05). Its RTO is paid a
reward model's score at the end as well, which is left out so that both arms know the same.
"""

from typing import Any

import torch

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas._text import Along
from guerdon.atlas.credit_assignment._worlds import Decisive, trained
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.targets.lambda_return import LambdaReturn
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.penalties.implicit_reward import ImplicitReward
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.values.clipped_regression import ClippedRegression
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.prefix_value import PrefixValue
from guerdon.randomness import derive, generator
from guerdon.sequences import Example, Sequences, Side
from guerdon.training.judging import FiniteScene, Judged
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Learning, Recipe, Term

system = System(
    title="DPO Meets PPO: Reinforced Token Optimization for RLHF",
    link="https://arxiv.org/abs/2404.18922",
    kind="method",
    builds_on=("dpo", "ppo", "gae", "implicit-reward"),
    read="abstract",
    note=(
        "With the critic's rate tuned for each, token rewards from DPO are not told apart from PPO with the reward at the end "
        "(-0.02 at equal KL, between -0.06 and 0.03), nor from the DPO policy that they come from."
    ),
)
BETA, KL, STOPS, DPO_STOPS = 0.1, 0.01, (2, 5, 10, 15, 20), (20, 60, 150, 300)
_dpo = Recipe((Term(Pairwise(LogRatio(BETA), Logistic())),), AdamW(0.03))


def method(dense: bool, learning_rate: float, critic_rate: float) -> Recipe:
    paid = (Term(KLDirect(), weight=KL), *((Term(ImplicitReward(), weight=BETA),) if dense else ()))
    return Recipe(
        (Term(Clip(0.2)),),
        AdamW(learning_rate),
        Group(16),
        reward_penalties=paid,
        advantage=BatchNormalised(GAE()),
        target=LambdaReturn(),
        epochs=2,
        minibatches=2,
        learners={"critic": Learning((Term(ClippedRegression()),), optimiser=AdamW(critic_rate))},
    )


recipe = {"PPO, at the end": method(False, 0.1, 0.1), "RTO": method(True, 0.1, 0.1), "DPO": _dpo}
claim = AllOf(
    AheadAlong("RTO", "PPO, at the end", on="reward", along="KL", effect=0.02),
    BetterThan("RTO", "PPO, at the end", on="early", effect=0.02, matched="samples, updates, return"),
    AheadAlong("RTO", "DPO", on="reward", along="KL", effect=0.02),
)
_RATES = {"learning_rate": (0.03, 0.1, 0.3), "critic_rate": (0.03, 0.1, 0.3)}
SEEDS = {"smoke": 1, "full": 12, "tune": 2}
GRID = dict.fromkeys(("PPO, at the end", "RTO"), _RATES) | {"DPO": {"learning_rate": (0.01, 0.03, 0.1), "beta": (0.03, 0.1, 0.3)}}
TUNED_BY = "half way"


class Start:
    """What a seed begins with: the world, the reference, pairs, and DPO's policy."""

    def __init__(self, seed: int, scale: str):
        self.seed, self.small = seed, scale == "smoke"
        self.world = Decisive(2 if self.small else 4, 3, 3 if self.small else 6, 2, derive(seed, "world"))
        self.reference = self.world.policy(1.0, derive(seed, "policy")).build()
        self.pairs = self._pairs(20 if self.small else 300)

    def _pairs(self, count: int) -> list[Example]:
        tree, rng, found = self.world.tree, generator(self.seed, "pairs"), []
        said, worth = self.reference.log_probabilities().detach().exp(), self.world.rewards()
        for context in range(self.world.contexts):
            drawn = torch.multinomial(said[context], 2 * count, replacement=True, generator=rng).view(-1, 2)
            wins = torch.sigmoid(4 * (worth[context, drawn[:, 0]] - worth[context, drawn[:, 1]]))
            first = torch.rand(count, generator=rng, dtype=torch.float64) < wins
            ordered = torch.where(first.unsqueeze(-1), drawn, drawn.flip(-1))
            sides = [[Side((context,), tuple(tree.actions[k].tolist()), (True,) * tree.depth) for k in pair] for pair in ordered.tolist()]
            found += [Example({"chosen": chosen, "rejected": rejected}) for chosen, rejected in sides]
        return found

    def fitted(self, learning_rate: float = 0.03, beta: float = BETA, stops: tuple[int, ...] = ()) -> tuple[TablePolicy, dict]:
        policy = self.world.policy(1.0, derive(self.seed, "policy")).build()
        method = Recipe((Term(Pairwise(LogRatio(beta), Logistic())),), AdamW(learning_rate))
        along = Along(stops, lambda: self.measured(policy))
        fit(policy, self.pairs, method, Budget(6 if self.small else 300, 64, seed=self.seed), display=along)
        return policy, along.curves

    def measured(self, policy: TablePolicy) -> dict[str, float]:
        kl = float(policy.kl(self.reference).detach().mean())
        return {"reward": float(policy.expect(self.world.rewards()).detach().mean()), "KL": kl}


class Implicit(FiniteScene):
    """Pays DPO's implicit reward of the whole answer, or nothing where each step is paid by itself."""

    def __init__(self, start: Start, teacher: TablePolicy, dense: bool):
        super().__init__(start.world)
        self.start, self.teacher, self.dense = start, teacher, dense

    def judge(self, rollouts: Sequences, rows: Any, seed: int) -> Judged:
        judged = super().judge(rollouts, rows, seed)
        with torch.no_grad():
            said, before = (model.measure(rollouts, {"logp"})["logp"].sum(-1) for model in (self.teacher, self.start.reference))
        judged.scored.components["world"] = BETA * (said - before) * (not self.dense)
        return judged


def trial(arm: str, seed: int, scale: str, learning_rate: float, critic_rate: float = 0.0, beta: float = BETA) -> dict:
    """One arm."""
    start = Start(seed, scale)
    stops = (1, 2) if start.small else STOPS
    if arm == "DPO":
        _, found = start.fitted(learning_rate, beta, (3, 6) if start.small else DPO_STOPS)
        last = max(found["reward"])
        return {**found, "early": found["reward"][3 if start.small else 60], "half way": found["reward"][last]}
    teacher, _ = start.fitted()
    teacher.module.requires_grad_(False)
    dense = arm == "RTO"
    critic = PrefixValue(start.world.contexts, start.world.vocabulary, start.world.depth).build()
    found = trained(
        method(dense, learning_rate, critic_rate),
        start.world,
        seed,
        stops,
        scene=Implicit(start, teacher, dense),
        learners={"critic": critic, **({"teacher": teacher} if dense else {})},
        look=start.measured,
    )
    early, half = (found["reward"][1 if start.small else 5], found["reward"][2 if start.small else 10])
    return {"reward": found["reward"], "KL": found["KL"], "early": early, "half way": half}
