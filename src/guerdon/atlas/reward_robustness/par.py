"""Preference as reward: a reward that counts as the probability of beating a reference keeps its gold where the raw one is hacked.

World: ``exploitable``: qualities that are worth something up to a point, and a reward model fitted to 1,000 comparisons of what the reference policy says, which goes on beyond. A
seed is another world and reward model. What RL comes to in the end is computed: the policy that maximises E[shaped reward] - beta KL, with one beta for all contexts, at the betas
that cost a mean KL of 0.25 to 5 nats. So arms are compared at equal KL, and at the best beta of each, chosen by gold itself, alike for all.

Arms: the raw reward; clipped at a standard deviation around its mean under the reference; log sigmoid of the reward less the 85 % quantile of a normal distribution fitted to ten
references; PAR with ten references and with one (a draw of the reference to each context). Shifting by the references' mean, and dividing by a running standard deviation or range,
change nothing at equal KL (they are the raw reward), and are left out for that.

Measured, exact: "gold" along "KL"; "best gold" over beta; "last gold" at 5 nats, or where a clipped reward ends.

Source: Fu et al. 2025, arXiv 2502.18770, and its authors' code (PAR, ``trainers/reward_shaper.py``: sigmoid, clipping, LSC with its quantile; ten references by default). There
PPO and GRPO on Gemma2-2B and Llama3-8B for two epochs at a KL weight of 0.005, judged by a stronger model. The smallest difference of interest: 0.02 of gold (1 is a standard
deviation of the unbent sum).
"""

import torch
from torch import Tensor
from torch.distributions import Normal

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas.reward_robustness._proxies import BUDGETS, members
from guerdon.atlas.reward_robustness._pursuit import pursued, references
from guerdon.feedback.shaping import Shaping
from guerdon.feedback.shaping.clip import Clip
from guerdon.feedback.shaping.log_sigmoid import LogSigmoid
from guerdon.feedback.shaping.reference_sigmoid import ReferenceSigmoid
from guerdon.parts import call
from guerdon.worlds.finite.exploitable import Exploitable

system = System(
    title="Reward Shaping to Mitigate Reward Hacking in RLHF",
    link="https://arxiv.org/abs/2502.18770",
    kind="reward",
    builds_on=("reference-sigmoid", "log-sigmoid", "clip", "bradley-terry", "kl-regularised-optimum"),
    read="code",
    untuned="exact optima along the weight of the KL, which is chosen by gold for every arm",
    note=(
        "It keeps 0.06 more gold than the raw reward at equal KL (0.07 at the best beta, 0.11 at 5 nats) and 0.03 more than a clipped one; the log sigmoid does as much, "
        "and one reference is not enough here: it loses all of the gain (0.066), since what an answer is compared with is then a single draw."
    ),
)
REFERENCES, QUANTILE = 10, 0.85
TEN = tuple(f"reference {i}" for i in range(REFERENCES))
recipe = {"LSC": LogSigmoid("quantile"), "PAR": ReferenceSigmoid(TEN), "PAR, 1 reference": ReferenceSigmoid(TEN[:1])}
claim = AllOf(
    AheadAlong("PAR", "raw", on="gold", along="KL", effect=0.02),
    BetterThan("PAR", "raw", on="best gold", effect=0.02, matched="the best beta of each"),
    BetterThan("PAR", "raw", on="last gold", effect=0.02, matched="KL"),
    AheadAlong("PAR", "clipped", on="gold", along="KL", effect=0.02),
    BetterThan("PAR", "clipped", on="best gold", effect=0.02, matched="the best beta of each"),
    AheadAlong("PAR", "LSC", on="gold", along="KL", effect=0.02),
    AheadAlong("PAR, 1 reference", "PAR", on="gold", along="KL", by=-0.02),
)
SEEDS = {"smoke": 1, "full": 16}


def experiment(seed: int, scale: str) -> dict:
    world, budgets = Exploitable(seed=seed), BUDGETS[scale]
    proxy = members(world, world.comparisons(200 if scale == "smoke" else 1000, seed), [seed])[0]
    return {name: pursued(reward, world, budgets).numbers(world, proxy) for name, reward in rewards(world, proxy, seed).items()}


def rewards(world: Exploitable, proxy: Tensor, seed: int) -> dict[str, Tensor]:
    """[C, A] by arm."""
    drawn = references(world, proxy, REFERENCES, seed)
    likely = world.reference() / world.contexts
    mean = (likely * proxy).sum()
    deviation = (likely * (proxy - mean).square()).sum().sqrt()
    quantile = drawn.mean(0) + Normal(0.0, 1.0).icdf(torch.tensor(QUANTILE)).double() * drawn.std(0)
    components = {"component_quantile": quantile} | {f"component_{name}": drawn[i] for i, name in enumerate(TEN)}

    def shaped(shaping: Shaping) -> Tensor:
        return call(shaping, {name: table.flatten() for name, table in ({"reward": proxy} | components).items()}).view_as(proxy)

    clipped = Clip(float(mean - deviation), float(mean + deviation))
    return {"raw": proxy, "clipped": shaped(clipped)} | {name: shaped(shaping) for name, shaping in recipe.items()}
