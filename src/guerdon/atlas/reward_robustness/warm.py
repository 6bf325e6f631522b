"""WARM: the mean of the weights of reward models that were fine-tuned from one body is one model that errs less than each, and remembers fewer wrong labels than the mean of their
scores.

World: ``exploitable``; of 1,000 comparisons a quarter is turned round. Six reward models (``_networks``) are fine-tuned from one pretrained body, with heads, orders and
learning rates of their own (0.005, 0.01 and 0.02, twice each), for eight epochs, so that wrong labels are remembered. A seed is another world and another body.

Arms: "single": each of the six by itself (what comes of them is averaged); "predictions": the mean of their scores, each in units of its deviation under the reference, which
needs six models to answer; "weights": one model with the mean of their weights.

Measured: "remembered": how often the labels that were turned round are told as they were noted; "right": the same of the others; "accuracy": of pairs from the reference by
gold, and "accuracy far": of pairs from the best policy by gold at a KL of 2 nats, where answers are other than in training; exact. Best-of-n for n = 4 to 1,024 at equal KL
("gold" along "KL").

Source: Rame et al. 2024, arXiv 2401.12187, of which the abstract and descriptions were read. There PaLM-XXS reward models on summaries, 25 % and 40 % of wrong labels, M = 6 or
10, heads from linear probing, and starts along SFT, which are left out here. The smallest difference of interest: 0.01 of a share, 0.02 of gold.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas.reward_robustness._networks import Networks, Training, chosen, pretrained, scored, tuned
from guerdon.atlas.reward_robustness._proxies import accuracy, best_of
from guerdon.atlas.reward_robustness._pursuit import pursued
from guerdon.atlas.reward_robustness.rm_ensembles import average
from guerdon.models.merging.linear import Linear
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.exploitable import Exploitable

system = System(
    title="WARM: On the Benefits of Weight Averaged Reward Models",
    link="https://arxiv.org/abs/2401.12187",
    kind="reward",
    builds_on=("linear-merging", "bradley-terry", "best-of-n-distribution"),
    read="abstract",
    untuned="one training for all arms; exact policies along n",
    note=(
        "Averaged weights remember 0.01 to 0.02 fewer of the wrong labels and order answers far from the reference 0.02 better than a single model, but the best of n keeps no "
        "more gold at equal KL that 12 seeds can tell: what all members get wrong beyond the data, their mean does too."
    ),
)
recipe = {"weights": Linear()}
RATES = (0.005, 0.01, 0.02, 0.005, 0.01, 0.02)
WRONG, DRAWS = 0.25, {"smoke": (4, 64), "full": (4, 16, 64, 256, 1024)}
claim = AllOf(
    BetterThan("weights", "predictions", on="remembered", lower_is_better=True, effect=0.01, matched="training"),
    BetterThan("weights", "single", on="remembered", lower_is_better=True, effect=0.01, matched="training"),
    BetterThan("weights", "single", on="accuracy far", effect=0.01, matched="training"),
    AheadAlong("weights", "single", on="gold", along="KL", effect=0.02),
    AheadAlong("weights", "predictions", on="gold", along="KL", by=-0.02),
)
SEEDS = {"smoke": 1, "full": 12}


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    world = Exploitable(seed=seed)
    said, wrong = noted(world, 128 if small else 1000, seed)
    body = pretrained(world, [derive(seed, "body")], 20 if small else 100)
    training = Training(RATES, epochs=1 if small else 8)
    networks = tuned(world, chosen(body, [0] * len(RATES)), said, [derive(seed, "member", i) for i in range(len(RATES))], training)
    members, merged = scored(networks, world), scored(together(networks), world)[0]
    unit = (world.reference() * members.square()).sum(-1).mean(-1).sqrt()
    far = pursued(world.rewards(), world, (2.0,)).policies[0]

    def measured(score: Tensor) -> dict:
        told = (score.flatten()[said[:, 1]] > score.flatten()[said[:, 2]]).double()
        shares = {"remembered": float(told[wrong].mean()), "right": float(told[~wrong].mean())}
        ahead = {"accuracy": accuracy(score, world), "accuracy far": accuracy(score, world, far)}
        bought = best_of(score, world, DRAWS[scale]).numbers(world, score)
        return shares | ahead | {name: bought[name] for name in ("gold", "KL", "best gold", "last gold")}

    predictions = (members / unit.view(-1, 1, 1)).mean(0)
    return {
        "single": average([measured(member) for member in members]),
        "predictions": measured(predictions),
        "weights": measured(merged),
    }


def noted(world: Exploitable, n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Comparisons [n, 3] as they were noted, and which of them the wrong way round [n]."""
    right = world.comparisons(n, seed)
    wrong = torch.rand(n, generator=generator(seed, "turned round")) < WRONG
    return torch.where(wrong.unsqueeze(-1), right[:, [0, 2, 1]], right), wrong


def together(networks: Mapping[str, Tensor]) -> Networks:
    """One network with the mean of the weights."""
    return {name: recipe["weights"](list(table)).unsqueeze(0) for name, table in networks.items()}
