"""Ensembles of reward models, helping or herding: members that were pretrained apart err apart, members that were only fine-tuned apart err together, and what all members learned
of the same comparisons no ensemble takes out.

World: ``exploitable``. Five bodies are pretrained apart (``_networks``: they begin elsewhere and see other batches), and each is fine-tuned five times on the same 300
comparisons (few, so that much is left to what a model knew before), with heads and orders of their own: 25 reward models. They make five ensembles of one body ("fine-tuning
seeds") and five of five bodies ("pretraining seeds": of body b the model number b + j, for j = 0 to 4), so that every model is in one ensemble of each kind, and is once in
"single"; what comes of an arm's scores is averaged. So no body is luckier in one arm than in another. A second world, with the suffix ", marks", is
the same but that those who compare like two marks that are worth nothing (``liking`` 0.3 each, where the qualities together have a weight of 1).

Arms: each of the 25 alone; the mean over members of each kind of ensemble; and of both kinds the least and the mean less the deviation, which are shown.

Measured, exact: policies that maximise E[score] - beta KL ("gold" along "KL") and the best of n = 4 to 1,024 ("drawn gold" along "drawn KL"; "downturn": the best of these golds
less that at the largest n); "disagreement": the deviation of the members' scores, each score in units of its own deviation under the reference, the mean over answers of the
reference, and "disagreement far": over answers of the policy that the mean of all 25 asks for at a KL of 3 nats, the same for both kinds; in the
second world "marks": the mean of the sum of both marks, along KL; the reference has none to speak of.

Source: Eisenstein et al. 2023, arXiv 2312.09244, of which the abstract, the introduction and summaries were read. There T5 models of up to 3 B, five pretraining seeds, dialogue,
summaries and factuality. The smallest difference of interest: 0.02 of gold, 0.01 of a deviation.
"""

from collections.abc import Sequence
from itertools import product
from statistics import fmean

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas.reward_robustness._networks import chosen, pretrained, scored, tuned
from guerdon.atlas.reward_robustness._proxies import best_of, tilted
from guerdon.atlas.reward_robustness._pursuit import distance
from guerdon.atlas.reward_robustness.rm_ensembles import average
from guerdon.exact.solvers.kl_regularised_optimum import KLRegularisedOptimum
from guerdon.randomness import derive
from guerdon.worlds.finite.exploitable import Exploitable

system = System(
    title="Helping or Herding? Reward Model Ensembles Mitigate but do not Eliminate Reward Hacking",
    link="https://arxiv.org/abs/2312.09244",
    kind="study",
    builds_on=("rm-ensembles", "bradley-terry", "best-of-n-distribution"),
    read="abstract",
    untuned="exact policies along beta and n; one training for all members",
    note=(
        "In the paper's order, and small: at equal KL an ensemble of fine-tuning seeds keeps 0.008 more gold than a single model, which is inside what anybody cares about (the "
        "leaves that are only equal), and one of pretraining seeds 0.016 to 0.024 more than that. What the comparisons have in them stays in: the best of 1,024 loses 0.13 of "
        "gold, and the marks grow as much as with one model."
    ),
)
MEMBERS, COMPARISONS, LIKING, FAR = {"smoke": 2, "full": 5}, {"smoke": 128, "full": 300}, 0.3, 3.0
BETAS = {"smoke": (1.0, 0.3), "full": (1.5, 1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05)}  # in units of a score's deviation under the reference
SIZE = {"smoke": {"contexts": 2, "answers": 128}, "full": {}}
DRAWS = {"smoke": (2, 64), "full": (4, 16, 64, 256, 1024)}
OTHERS = {
    "least": lambda scores: scores.min(0).values,
    "mean less deviation": lambda scores: scores.mean(0) - scores.std(0),
}
claim = AllOf(
    AheadAlong("fine-tuning seeds", "single", on="gold", along="KL", effect=0.02),
    AheadAlong("pretraining seeds", "fine-tuning seeds", on="gold", along="KL", effect=0.02),
    AheadAlong("fine-tuning seeds", "single", on="drawn gold", along="drawn KL", effect=0.02),
    AheadAlong("pretraining seeds", "fine-tuning seeds", on="drawn gold", along="drawn KL", effect=0.02),
    BetterThan("pretraining seeds", "fine-tuning seeds", on="disagreement far", effect=0.01, matched="answers"),
    BetterThan("pretraining seeds", 0.0, on="downturn, marks", effect=0.02),
    AheadAlong("pretraining seeds", "single", on="marks", along="KL, marks", by=-0.1),
)
SEEDS = {"smoke": 1, "full": 16}


def experiment(seed: int, scale: str) -> dict:
    arms: dict[str, dict] = {}
    for label, liking in (("", 0.0), (", marks", LIKING)):
        world = Exploitable(seed=seed, liking=liking, **SIZE[scale])
        found = measured(world, trained(world, derive(seed, label), scale), scale)
        for arm, numbers in found.items():
            arms.setdefault(arm, {}).update({name if name == "marks" else f"{name}{label}": value for name, value in numbers.items()})
    return arms


def trained(world: Exploitable, seed: int, scale: str) -> Tensor:
    """[bodies, fine-tunings, C, A], the scores of all models, each in units of its own deviation under the reference."""
    count = MEMBERS[scale]
    bodies = pretrained(world, [derive(seed, "body", b) for b in range(count)], 20 if scale == "smoke" else 100)
    each = list(product(range(count), range(count)))
    verdicts = world.comparisons(COMPARISONS[scale], seed)
    networks = tuned(world, chosen(bodies, [b for b, _ in each]), verdicts, [derive(seed, "member", b, i) for b, i in each])
    scores = scored(networks, world)
    return (scores / deviation(scores, world)).unflatten(0, (count, count))


def deviation(scores: Tensor, world: Exploitable) -> Tensor:
    """[E, 1, 1] of scores [E, C, A], under the reference."""
    return (world.reference() * scores.square()).sum(-1).mean(-1).sqrt().view(-1, 1, 1)


def measured(world: Exploitable, scores: Tensor, scale: str) -> dict:
    """What comes of each arm's scores, on average."""
    far, count = tilted(scores.mean((0, 1)), world, (FAR,)).policies[0], len(scores)
    ensembles = {
        "fine-tuning seeds": list(scores),
        "pretraining seeds": [torch.stack([scores[b, (b + j) % count] for b in range(count)]) for j in range(count)],
    }
    arms = {"single": bought(world, list(scores.flatten(0, 1)), scale)}
    for kind, members in ensembles.items():
        apart = {"disagreement": world.reference(), "disagreement far": far}
        spread = {name: fmean(float((policy * of.std(0)).sum(-1).mean()) for of in members) for name, policy in apart.items()}
        arms[kind] = bought(world, [of.mean(0) for of in members], scale) | spread
        for name, combine in OTHERS.items():
            arms[f"{kind}, {name}"] = bought(world, [combine(of) for of in members], scale)
    return arms


def bought(world: Exploitable, scores: Sequence[Tensor], scale: str) -> dict:
    """What scores buy along KL, each by itself, and then on average."""
    reference, gold = world.reference(), world.rewards()
    marks = world.features()[:, world.causes :].sum(-1).view(world.contexts, world.answers)
    found = []
    for score in scores:
        unit = score / deviation(score.unsqueeze(0), world)[0]
        asked = torch.stack([KLRegularisedOptimum(beta)(unit, reference)["policy"] for beta in BETAS[scale]])
        drawn = torch.stack(best_of(score, world, DRAWS[scale]).policies)
        rl, best = (curve((policies * gold).sum(-1), at) for policies, at in ((asked, BETAS[scale]), (drawn, DRAWS[scale])))
        own = {"gold": rl, "KL": curve(distance(asked, reference), BETAS[scale]), "best gold": max(rl.values())}
        own |= {"drawn gold": best, "drawn KL": curve(distance(drawn, reference), DRAWS[scale])}
        own |= {"downturn": max(best.values()) - best[DRAWS[scale][-1]]}
        found.append(own | ({"marks": curve((asked * marks).sum(-1), BETAS[scale])} if world.liking else {}))
    return average(found)


def curve(values: Tensor, at: Sequence[float]) -> dict[float, float]:
    """The means over contexts of values [P, C], at each point."""
    return dict(zip(at, values.mean(-1).tolist(), strict=True))
