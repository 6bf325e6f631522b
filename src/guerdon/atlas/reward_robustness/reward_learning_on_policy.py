"""Reward learning on policy: a reward that is fitted once more, with what the policy says it agrees on, to stay right where the policy has gone.

World: answers with four qualities whose worth bends at 1.5 and two marks that say nothing (``worlds.finite.exploitable``, 192 answers to each of 8
contexts); a reward is fitted to 400 comparisons of the reference's answers (a linear head on 64 random features, Bradley-Terry). The policy is its
exponential tilt at 2 nats; of it 16 answers are drawn 40 times to each context and clustered by 4-means of their vectors. What the reward that is
fitted again asks for is again the tilt of the reference, exactly. A seed is another world and all draws of it.

Arms: "fixed": the first reward; "on policy": fitted again to the comparisons and to synthetic ones, a member of the largest cluster preferred to one
of another (where it has at least 0.4 of the answers); "asked on policy": to comparisons of the same number of pairs of the policy's answers by
people, in the place of synthetic ones, which is what the method wants to do without. How many times a synthetic or asked pair counts is tuned, the
ridge of "fixed" too, by the mean of gold over the budgets.

Measured, exact: "accuracy, on policy": how often two answers of the policy are ordered as gold orders them; "accuracy" of the reference's; "gold" at
each KL; and "right, synthetic": how often a synthetic pair has the better answer first.

Source: Lang et al. 2024, arXiv 2403.19279, abstract and summaries. There language models on AlpacaFarm and others; two ways, of which this is the
second, the first being a multi-view representation by an information bottleneck, which is not tried. Chosen here: the world and its sizes, and how
answers are clustered. The smallest differences of interest: 0.02 of accuracy, 0.05 of gold.
"""

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, Knob, System
from guerdon.atlas.reward_robustness._marks import learned
from guerdon.atlas.reward_robustness._proxies import accuracy, scores, tilted
from guerdon.data.curation.largest_cluster import LargestCluster
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.head import Head
from guerdon.randomness import derive, generator
from guerdon.training.recipe import Term
from guerdon.worlds.finite.exploitable import Exploitable

system = System(
    title="Fine-Tuning Language Models with Reward Learning on Policy",
    link="https://arxiv.org/abs/2403.19279",
    kind="method",
    builds_on=("bradley-terry", "largest-cluster", "exponential-tilt"),
    read="abstract",
    note=(
        "Of synthetic pairs 0.60 have the better answer first; whether they raise gold at equal KL (by 0.03; by 0.05 on ten other seeds) or order more pairs of the policy's "
        "answers right (0.63 against 0.58) ten seeds do not say. The same number of comparisons by people gives 0.21 of gold: what is saved is paid for."
    ),
)
recipe = {"on policy": LargestCluster(0.4), "reward": Term(Pairwise(Head(), Logistic()))}
COUNTS = Knob((0.1, 0.3, 1.0), least=0.0)
GRID = {"fixed": {"ridge": (0.001, 0.003, 0.01)}, "on policy": {"counts": COUNTS}, "asked on policy": {"counts": COUNTS}}
TUNED_BY = "mean gold"
claim = AllOf(
    BetterThan("on policy", 0.5, on="right, synthetic", effect=0.02),
    BetterThan("on policy", "fixed", on="accuracy, on policy", effect=0.02, matched="comparisons"),
    AheadAlong("on policy", "fixed", on="gold", along="KL", effect=0.05),
    AheadAlong("asked on policy", "fixed", on="gold", along="KL", effect=0.05),
)
SEEDS = {"smoke": 1, "full": 10, "tune": 2}


def trial(arm: str, seed: int, scale: str, ridge: float = 0.003, counts: float = 0.0) -> dict:
    smoke = scale == "smoke"
    world = Exploitable(answers=64 if smoke else 192, seed=seed)
    verdicts, steps = world.comparisons(100 if smoke else 400, seed), 20 if smoke else 150
    policy = tilted(scores(learned(world, verdicts, seed, steps=steps, ridge=ridge), world), world, (2.0,)).policies[0]
    more = synthetic(world, policy, seed, 2 if smoke else 40)
    gold = world.rewards().flatten()
    found = {"right, synthetic": float((gold[more[:, 1]] > gold[more[:, 2]]).double().mean())}
    if arm == "fixed":
        more = more[:0]
    if arm == "asked on policy":
        more = world.comparisons(len(more), derive(seed, "asked"), policy)
    weight = torch.cat([torch.ones(len(verdicts)), torch.full((len(more),), counts)]).double()
    told = {"terms": (Term(_Weighed()),), "pairs": {"counts": weight}, "steps": steps, "ridge": ridge}
    proxy = scores(learned(world, torch.cat([verdicts, more]), seed, **told), world)
    found |= tilted(proxy, world, (0.5, 2.0) if smoke else (0.5, 1.0, 2.0, 3.0)).numbers(world, proxy)
    golds = list(found["gold"].values())
    return found | {
        "mean gold": sum(golds) / len(golds),
        "accuracy": accuracy(proxy, world),
        "accuracy, on policy": accuracy(proxy, world, policy),
    }


class _Weighed:
    """Bradley-Terry in which a pair counts so many times; a batch counts as much whoever is in it."""

    def needs(self) -> frozenset[str]:
        return frozenset({"chosen_score", "rejected_score", "counts"})

    def __call__(self, chosen_score: Tensor, rejected_score: Tensor, counts: Tensor) -> Tensor:
        return counts / counts.mean() * Logistic()(chosen_score, rejected_score)


def synthetic(world: Exploitable, policy: Tensor, seed: int, times: int) -> Tensor:
    """[m, 3], pairs of the policy's answers, as verdicts are written."""
    rng, features, rows = generator(seed, "synthetic"), world.features(), []
    for _ in range(times):
        drawn = torch.multinomial(policy, 16, replacement=True, generator=rng) + torch.arange(world.contexts).unsqueeze(-1) * world.answers
        clusters = clustered(features[drawn], rng)
        rows += [
            {"prompt": "", "completions": own, "clusters": named} for own, named in zip(drawn.tolist(), clusters.tolist(), strict=True)
        ]
    made = [(0, row["chosen"], row["rejected"]) for row in LargestCluster(0.4, seed)(rows)]
    return torch.tensor(made, dtype=torch.long).view(-1, 3)


def clustered(x: Tensor, rng: torch.Generator, clusters: int = 4) -> Tensor:
    """[C, n], by k-means of vectors [C, n, D], from answers that are drawn."""
    start = torch.rand(x.shape[:2], generator=rng).argsort(-1)[:, :clusters]
    means = x.gather(1, start.unsqueeze(-1).expand(-1, -1, x.shape[-1]))
    for _ in range(8):
        nearest = torch.cdist(x, means).argmin(-1)
        member = torch.nn.functional.one_hot(nearest, clusters).to(x.dtype)
        size = member.sum(1).unsqueeze(-1)
        means = torch.where(size > 0, member.transpose(1, 2) @ x / size.clamp(min=1), means)
    return nearest
