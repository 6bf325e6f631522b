"""OSP: the policy's answers are compared by its own judge, and how sure the judge is goes into the loss.

World: 16 prompts with 27 answers each, of three steps, whose true worth is N(0, 1) (``worlds.finite.random_tree``). The judge sees worth and an error
of its own, N(0, 1) too, fixed for every answer, and says that one answer is better than another with the probability sigmoid(the difference of what
it sees). So what it is hardly sure of is wrong oftener, and its favourite is not the best: the more it is followed, the more of its error is bought.
Policies are tables with logits from N(0, 1), which are also the reference; a seed is another world, judge and policy.

Arms, DPO on all pairs of 6 fresh answers to each prompt: "hard labels" (whoever the judge prefers is chosen) and "OSP" (the soft-preference loss,
with the judge's probability). Learning rate and beta are tuned alike, by the true worth at a KL of 1 nat from the start. Here the judge is as good as
it was and is no part of the policy; in the paper it is the policy, asked for a label's token.

Measured, exact, at the start and after 3, 6, 12, 18 and 24 steps: "gold" (true worth), "judged" (what the judge sees, learned from) and "KL" from the
start in nats. The claim: at the same KL soft labels have more gold than hard ones; and at the end, where KL is what each has come to, they are not
behind.

Source: Zhai et al. 2024, arXiv 2405.14103: the ranked pairing and the soft-preference cross-entropy; of the paper the abstract was read. There the
policy judges itself by the probabilities of label tokens, and models have 7 B. Chosen here: the world, sizes, all pairs in the place of ranked ones.
The smallest difference of interest: 0.05 of worth, whose standard deviation is 1.
"""

from dataclasses import dataclass, replace

import torch

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AheadAlong, AllOf, NoWorseThan, System
from guerdon.atlas._text import Along, bought
from guerdon.data.pairing.all_pairs import AllPairs
from guerdon.feedback.combining.only import Only
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.labels.soft import Soft
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.quantities import N
from guerdon.randomness import derive
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.random_tree import RandomTree

system = System(
    title="Online Self-Preferring Language Models",
    link="https://arxiv.org/abs/2405.14103",
    kind="method",
    builds_on=("dpo", "soft-labels", "all-pairs"),
    read="abstract",
    note=("Soft labels go further in as many steps, at a higher price: along the frontier both are the same curve."),
)
PRICE, STOPS = 1.0, (3, 6, 12, 18, 24)


@dataclass(frozen=True)
class Strength:
    """How sure the judge is that the first is better."""

    def __call__(self, first: N, second: N) -> N:
        return torch.sigmoid(first - second)


def hard(learning_rate: float, beta: float) -> Recipe:
    loss = Pairwise(LogRatio(beta), Logistic())
    return Recipe((Term(loss),), AdamW(learning_rate), Group(6), combine=Only(("judge",)), pairing=AllPairs())


def osp(learning_rate: float, beta: float) -> Recipe:
    loss = Pairwise(LogRatio(beta), Logistic(), label=Soft())
    return replace(hard(learning_rate, beta), terms=(Term(loss),), judge=Strength())


recipe = {"hard labels": hard(0.1, 0.3), "OSP": osp(0.1, 0.3)}
_KNOBS = {"learning_rate": (0.05, 0.15, 0.45), "beta": (0.1, 0.3, 1.0)}
GRID = {"hard labels": _KNOBS, "OSP": _KNOBS}
TUNED_BY = "gold at the price"
claim = AllOf(
    AheadAlong("OSP", "hard labels", on="gold", along="KL", effect=0.05),
    NoWorseThan("OSP", "hard labels", on="gold at the end", margin=0.05, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 2}


def trial(arm: str, seed: int, scale: str, learning_rate: float, beta: float) -> dict:
    world = RandomTree(contexts=16, vocabulary=3, depth=3, seed=seed)
    error = RandomTree(contexts=16, vocabulary=3, depth=3, seed=derive(seed, "error"))
    policy, stops = world.policy(1.0, derive(seed, "policy")).build(), (1, 2) if scale == "smoke" else STOPS
    start, gold, seen = policy.reference(), world.rewards(), world.rewards() + error.rewards()

    def judge(prompts: list[int], completions: list[list[int]], **columns: list) -> list[float]:
        said = torch.tensor(completions)
        return seen[torch.tensor(prompts), world.tree.index(said, torch.full((len(said),), 3))].tolist()

    def look() -> dict[str, float]:
        worth = {"gold": gold, "judged": seen}
        return {name: float(policy.expect(of).detach().mean()) for name, of in worth.items()} | {
            "KL": float(policy.kl(start).detach().mean())
        }

    along = Along(stops, look)
    budget = Budget(steps=max(stops), batch_size=world.contexts, seed=derive(seed, "training"))
    method = (osp if arm == "OSP" else hard)(learning_rate, beta)
    improve(policy, FiniteScene(world, {"judge": judge}), world.train(), method, budget, Decoding(3), display=along)
    curves = along.curves
    return curves | {"gold at the price": bought(curves["gold"], curves["KL"], PRICE), "gold at the end": curves["gold"][max(stops)]}
