"""SELM: pushing down what the policy has just said makes iterative DPO find a good answer that it hardly ever gives.

World: a bandit of ten answers with rewards from N(0, 0.09), but for one that is worth 2 and that the start gives once in 200 times. A seed
is another bandit.

12 rounds of 40 pairs. In each, both answers of every pair are drawn from the policy and compared by Bradley-Terry, and the next policy
minimises, by L-BFGS and from the policy, DPO's mean loss on the pairs of this round, with the policy as the reference and beta 0.3, plus
alpha beta E[log policy] under that reference, in closed form ("SELM"). "iterative DPO" is alpha 0. SELM has the alpha of 0.03, 0.1, 0.3, 1
and 3 with the fewest queries on average over the seeds 1000 to 1003, which are no seeds of the evidence; iterative DPO has the beta of 0.1,
0.3 and 1 with the fewest over the same seeds, SELM that of the paper's kind, 0.3, throughout.

Measured: "queries" until the policy gives the best answer with a probability of a half (480, all of them, where it never does); the
expected reward over rounds.

Source: Zhang et al. 2024, arXiv 2405.19332; the loss and the direction of the optimism: its authors' code (``selm_trainer.py``). Which answers are compared and pushed
down is *not* theirs here: they rank one greedy answer with the data's chosen and rejected (``online_feedback.py``), compare the best with the worst of the three and
push the greedy one down, as the recipe ``selm`` now does. In a bandit with one prompt a greedy answer is the same in all rows and says nothing of the others, so that
this world looks at the objective of the paper, with the policy's own draws on both sides and in expectation. The world and the grids are ours.
"""

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas._comparing import ComparisonWorld
from guerdon.atlas.preference_objectives._exploring import hidden_best, pushed
from guerdon.randomness import derive
from guerdon.recipes.selm import recipe as selm

system = System(
    title="Self-Exploring Language Models: Active Preference Elicitation for Online Alignment",
    link="https://arxiv.org/abs/2405.19332",
    kind="method",
    builds_on=("dpo", "online-dpo", "optimism", "best-worst-pairs"),
    note=(
        "Seen: with optimism all 72 bandits are solved, in 102 queries on average against 150 without; that is 48 fewer, 20 to "
        "79, and 20 was asked for."
    ),
)
BETA, ROUNDS, PER_ROUND = 0.3, 12, 40
ALPHAS, BETAS, OTHER_SEEDS = (0.03, 0.1, 0.3, 1.0, 3.0), (0.1, 0.3, 1.0), range(1000, 1004)
CHOSEN = {"alpha": 0.1, "beta": 0.1}
AFTER = "reward over rounds"
recipe = {"SELM": selm}
claim = AllOf(
    BetterThan("SELM", "iterative DPO", on="queries", by=20, lower_is_better=True),
    BetterThan("SELM", "iterative DPO", on=AFTER, by=0.0, at="last"),
)
SEEDS = {"smoke": 1, "full": 72}


def experiment(seed: int, scale: str) -> dict:
    return {"SELM": iterated(seed, BETA, CHOSEN["alpha"]), "iterative DPO": iterated(seed, CHOSEN["beta"], 0.0)}


def iterated(seed: int, beta: float, alpha: float) -> dict:
    """Rounds that each start from the policy and its pairs alone."""
    world = hidden_best(seed, beta)
    policy, path = world.start(), [world.reference_probabilities]
    for round in range(ROUNDS):
        before = policy.reference()
        pairs = world.drawn(PER_ROUND, path[-1], derive(seed, "round", round))
        policy = pushed(world, policy, pairs, alpha * beta, path[-1], before)
        path.append(policy.probabilities(0).detach())
    found = next((n for n, now in enumerate(path) if float(now[-1]) >= 0.5), ROUNDS)
    return {"queries": float(found * PER_ROUND), AFTER: {n: reward(world, path[n]) for n in (0, 3, 6, ROUNDS)}}


def reward(world: ComparisonWorld, policy) -> float:
    return float((policy * world.reward).sum())


def tuned() -> dict[str, float]:
    """What is best on seeds that the evidence does not have: what ``CHOSEN`` is."""
    alphas = {a: sum(iterated(s, BETA, a)["queries"] for s in OTHER_SEEDS) for a in ALPHAS}
    betas = {b: sum(iterated(s, b, 0.0)["queries"] for s in OTHER_SEEDS) for b in BETAS}
    return {"alpha": min(alphas, key=alphas.__getitem__), "beta": min(betas, key=betas.__getitem__)}
