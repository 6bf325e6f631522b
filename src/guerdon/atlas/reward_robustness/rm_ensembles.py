"""Ensembles of reward models with conservative objectives: does the worst of five opinions, or their mean less their variance, prevent over-optimisation?

World: ``exploitable``, once as it is and once with a quarter of the verdicts flipped (``label_noise`` 1/2: of a half of them a coin decides). Five reward models (``_networks``)
from one pretrained body are fine-tuned on the same 1,000 comparisons; they differ in the head that they begin with and in the order of the batches, as the paper's do. A seed is
another world and another body.

Arms: "single": each of the five by itself (what comes of them is averaged, not their scores); "mean" of the five; WCO, the least of them; UWO, the mean less the variance, with
the weight 0.5 of the paper's best-of-n ("UWO, 0.5") and ten times that (UWO), as the variance of scores is small here.

Measured, exact, all at equal KL: best-of-n for n = 4 to 4,096 ("gold" along "KL"; "downturn": the best gold less that at the largest n), and the policies that maximise
E[score] - beta KL, one beta for all contexts ("RL gold" along "RL KL"; "RL best gold" over beta: the KL penalty that the paper combines with). With flipped labels: the same,
with ", noise".

Source: Coste et al. 2023, arXiv 2310.02743, and its authors' code (llm_optimization: ``ensemble_rm.py``, ``ppo_reward_functions.py``; n up to 12,500, seeds of one pretrained
model). There Pythia models and a gold reward model of 7 B. The smallest difference of interest: 0.02 of gold.
"""

from collections.abc import Sequence
from statistics import fmean

from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas.reward_robustness._networks import pretrained, scored, tuned
from guerdon.atlas.reward_robustness._proxies import best_of
from guerdon.atlas.reward_robustness._pursuit import pursued
from guerdon.feedback.combining import Combining
from guerdon.feedback.combining.uncertainty_weighted import UncertaintyWeighted
from guerdon.feedback.combining.worst_case import WorstCase
from guerdon.randomness import derive
from guerdon.worlds.finite.exploitable import Exploitable

system = System(
    title="Reward Model Ensembles Help Mitigate Overoptimization",
    link="https://arxiv.org/abs/2310.02743",
    kind="study",
    builds_on=("worst-case", "uncertainty-weighted", "best-of-n-distribution", "bradley-terry"),
    read="code",
    untuned="exact policies along n and beta; two weights of UWO are shown",
    note=(
        "Five models from one body err together, so no ensemble removes the downturn. The mean less five times the variance keeps 0.03 more gold than a single model at equal KL "
        "and 0.04 at the best beta, with and without flipped labels, but the plain mean has that too; the worst case gains nothing that 14 seeds can tell."
    ),
)
recipe = {"WCO": WorstCase(), "UWO": UncertaintyWeighted(5.0), "UWO, 0.5": UncertaintyWeighted(0.5)}
MEMBERS, DRAWS = 5, {"smoke": (2, 64), "full": (4, 16, 64, 256, 1024, 4096)}
KLS = {"smoke": (0.5, 2.0), "full": (1.0, 1.5, 2.0, 3.0, 5.0)}  # nats
claim = AllOf(
    *(
        leaf
        for noise in ("", ", noise")
        for arm in ("WCO", "UWO")
        for leaf in (
            AheadAlong(arm, "single", on=f"gold{noise}", along=f"KL{noise}", effect=0.02),
            BetterThan(arm, "single", on=f"downturn{noise}", lower_is_better=True, effect=0.02, matched="n"),
            AheadAlong(arm, "mean", on=f"gold{noise}", along=f"KL{noise}", effect=0.02),
            BetterThan(arm, "single", on=f"RL best gold{noise}", effect=0.02, matched="the best beta of each"),
        )
    ),
)
SEEDS = {"smoke": 1, "full": 14}


def experiment(seed: int, scale: str) -> dict:
    arms: dict[str, dict] = {}
    for label, noise in (("", 0.0), (", noise", 0.5)):
        world = Exploitable(seed=seed, label_noise=noise)
        for arm, scores in opinions(world, derive(seed, label), scale).items():
            found = average([curves(world, score, scale) for score in scores])
            arms.setdefault(arm, {}).update({f"{measure}{label}": value for measure, value in found.items()})
    return arms


def opinions(world: Exploitable, seed: int, scale: str) -> dict[str, Sequence[Tensor]]:
    """The scores [C, A] that each arm goes by."""
    small = scale == "smoke"
    body = {name: table.expand(MEMBERS, *table.shape[1:]) for name, table in pretrained(world, [seed], 20 if small else 100).items()}
    verdicts = world.comparisons(128 if small else 1000, seed)
    members = scored(tuned(world, body, verdicts, [derive(seed, "member", i) for i in range(MEMBERS)]), world)
    combined = {"mean": members.mean(0)} | {name: combine(part, members) for name, part in recipe.items()}
    return {"single": list(members)} | {name: [score] for name, score in combined.items()}


def combine(part: Combining, members: Tensor) -> Tensor:
    """[C, A]"""
    return part({f"member {i}": member.flatten() for i, member in enumerate(members)}).view_as(members[0])


def curves(world: Exploitable, score: Tensor, scale: str) -> dict:
    drawn = best_of(score, world, DRAWS[scale]).numbers(world, score)
    rl = pursued(score, world, KLS[scale]).numbers(world, score)
    own = {"gold": drawn["gold"], "KL": drawn["KL"], "downturn": drawn["best gold"] - drawn["last gold"], "best gold": drawn["best gold"]}
    return own | {"RL gold": rl["gold"], "RL KL": rl["KL"], "RL best gold": rl["best gold"]}


def average(found: Sequence[dict]) -> dict:
    """Of measures, and of curves at each point."""
    return {
        name: {x: fmean(each[name][x] for each in found) for x in value} if isinstance(value, dict) else fmean(each[name] for each in found)
        for name, value in found[0].items()
    }
