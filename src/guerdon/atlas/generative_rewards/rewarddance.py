"""RewardDance: the reward is how sure a judge is that an answer is better than a reference, and not an unbounded score.

World, on vectors in place of images: answers with qualities that are worth something up to a point and marks that are worth nothing (``worlds.finite.exploitable``, correlation
0.5, a tenth of the labels a coin's); eight prompts with 512 answers. A seed is another world. A head that is linear in an answer's features learns from comparisons by
Bradley-Terry; a judge of pairs that is linear and asked in both orders has the difference of two such scores as its log-odds, so that both have learned the same.

* "scalar": the score. "yes": the probability that the answer is better than the prompt's reference, the best by the score of 16 answers of the policy at the start
  (``feedback.formats.better_than_reference``). "plain reference": the same with one answer of that policy.

Policies are the optima of the expected reward within a KL from the start of 0.25 to 4 nats, exactly; 400 comparisons. "gold" is above the start's. "variance kept" is the
variance of the reward among a prompt's answers as the policy draws them, over that at the start. "By comparisons" is the gold of "yes" at 2 nats, after 50, 200 and 800: in the
place of a model's size.

Source: Wu et al. 2025, arXiv 2509.08826, abstract and summaries: models up to 26 B, references by the best of N, reasoning, gradients of the reward through a generator; all of
that waits for images. Smallest differences of interest: 0.05."""

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, GrowsWith, System
from guerdon.atlas.generative_rewards._linear import logistic
from guerdon.exact.solvers.exponential_tilt import ExponentialTilt
from guerdon.feedback.formats.better_than_reference import BetterThanReference
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.exploitable import Exploitable

system = System(
    title="RewardDance: Reward Scaling in Visual Generation",
    link="https://arxiv.org/abs/2509.08826",
    kind="reward",
    builds_on=("pairwise-judge", "yes-token-prob", "refl", "best-of-n", "tiny-vlm"),
    read="abstract",
    untuned="optima at given KL; one ridge for all, since all have learned the same",
    waits_for="images, and models that read them",
    note=(
        "The probability to be better than the best of 16 keeps more variance than the score (0.13 of what it was), since good answers "
        "are still told apart there; with a plain reference it saturates and loses most of it. Gold at equal KL is the same within "
        "0.05, and at 4 nats the plain reference is 0.08 ahead, just because it stops paying: variance that is kept is no sign that "
        "the reward is right. More comparisons help."
    ),
)
BUDGETS, COMPARISONS, SIZES, AMONG, RIDGE = (0.25, 0.5, 1.0, 2.0, 3.0, 4.0), 400, (50, 200, 800), 16, 3e-3
recipe = {"yes": BetterThanReference()}
claim = AllOf(
    BetterThan("yes", "scalar", on="variance kept", at="last", effect=0.05, matched="KL"),
    AheadAlong("yes", "scalar", on="gold", along="KL", effect=0.05),
    BetterThan("yes", "plain reference", on="gold", at="last", effect=0.05, matched="KL"),
    GrowsWith("yes", on="by comparisons", by=0.05),
)
SEEDS = {"smoke": 1, "full": 40}


def experiment(seed: int, scale: str) -> dict:
    world = Exploitable(answers=64 if scale == "smoke" else 512, correlation=0.5, label_noise=0.1, seed=derive(seed, "world"))
    features, reference, gold = world.features(), world.reference(), world.rewards()
    told = world.comparisons(max(SIZES), seed)
    gap = features[told[:, 1]] - features[told[:, 2]]

    def score(n: int) -> Tensor:
        found = features @ logistic(gap[:n], torch.ones(n, dtype=torch.float64), RIDGE)
        return found.view(gold.shape)

    drawn = torch.multinomial(reference, AMONG, replacement=True, generator=generator(seed, "references"))

    def yes(table: Tensor, among: int = AMONG) -> Tensor:
        return torch.sigmoid(table - table.gather(1, drawn[:, :among]).amax(-1, keepdim=True))

    own = score(COMPARISONS)
    rewards = {"scalar": own, "yes": yes(own), "plain reference": yes(own, 1)}
    arms: dict[str, dict] = {}
    for name, reward in rewards.items():
        policies = {budget: ExponentialTilt(budget)(reward, reference)["policy"] for budget in BUDGETS}
        arms[name] = {
            "KL": {b: float((p * (p.clamp(min=1e-300) / reference).log()).sum(-1).mean()) for b, p in policies.items()},
            "gold": {b: float(((p - reference) * gold).sum(-1).mean()) for b, p in policies.items()},
            "variance kept": {b: float((_variance(p, reward) / _variance(reference, reward)).mean()) for b, p in policies.items()},
        }
    arms["yes"]["by comparisons"] = {
        n: float(((ExponentialTilt(2.0)(yes(score(n)), reference)["policy"] - reference) * gold).sum(-1).mean()) for n in SIZES
    }
    return arms


def _variance(policy: Tensor, reward: Tensor) -> Tensor:
    """[C], of the reward of an answer that the policy draws."""
    return (policy * reward.square()).sum(-1) - (policy * reward).sum(-1).square()
