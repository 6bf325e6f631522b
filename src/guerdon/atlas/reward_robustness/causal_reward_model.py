"""Causal reward model: scores that are distributed alike whatever a spurious attribute is, by an MMD penalty over its bins.

World: as for ODIN (``_marks.liked``, with 192 answers to a context): four qualities whose worth bends, and a mark that is worth nothing, goes along
with quality a little (0.3) and is liked as much as a deviation of it; 1,000 comparisons, a linear head on 64 random features, what a reward asks for
at each KL exactly.

Arms: Bradley-Terry (its ridge tuned); with the penalty over four bins of the mark among all answers of a batch (unconditional), and among the chosen
and the rejected ones by themselves (conditional), the weight of either tuned, with a ridge of 0.01. All are tuned by the mean of gold over the
budgets.

Measured, all exact: "|moved|": by how much the score of an answer of the reference changes when its mark, and nothing else, is one higher, in
deviations of the score: counterfactual invariance; "|correlation|" with the mark under the reference; "accuracy" by gold; "gold" and "marks" of the
policy at each KL. Since mark and quality really go along with each other, no correlation at all would mean a score that punishes the mark: the claim
is that both are less than half of Bradley-Terry's.

Source: Wang et al. 2025, arXiv 2501.09620: its abstract and summaries (see the penalty for what is ours). There Llama-3 8B on length, sycophancy,
concepts and groups. Chosen here: the world and its sizes. The smallest differences of interest: 0.05 of gold, 0.02 of accuracy.
"""

from dataclasses import replace

from guerdon.atlas import AheadAlong, AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas.reward_robustness._marks import MARKS, asked, iterations, learned, liked, looked_at, marks, moved
from guerdon.atlas.reward_robustness._proxies import BRADLEY_TERRY, scores
from guerdon.losses.on_both_sides import OnBothSides
from guerdon.losses.on_side import OnSide
from guerdon.losses.penalties.bin_discrepancy import BinDiscrepancy
from guerdon.quantities import SIDES
from guerdon.training.recipe import Term

system = System(
    title="Beyond Reward Hacking: Causal Rewards for Large Language Model Alignment",
    link="https://arxiv.org/abs/2501.09620",
    kind="reward",
    builds_on=("bradley-terry", "bin-discrepancy", "exponential-tilt"),
    read="abstract",
    note=(
        "One more of the mark moves a score by a quarter (unconditional) or an eighth (conditional) of what it moves Bradley-Terry's, pairs are ordered right in 0.93 "
        "of cases (0.79), and gold at equal KL is higher by 0.25 and 0.27. What is left of the correlation with the mark is a half of Bradley-Terry's for the "
        "unconditional form, at the weight of 0.55 that is best for gold, and not less: the one leaf that is not as the paper says. Much larger weights break the "
        "conditional form."
    ),
)
RIDGE = 0.01
PRICES = {"smoke": (0.5, 2.0), "full": (0.5, 1.0, 2.0, 3.0)}
UNCONDITIONAL, CONDITIONAL = "unconditional", "conditional"


def penalised(arm: str, weight: float) -> tuple[Term, ...]:
    apart = BinDiscrepancy(MARKS)
    if arm == UNCONDITIONAL:
        return *BRADLEY_TERRY, Term(OnBothSides(apart), weight=weight)
    return *BRADLEY_TERRY, *(Term(OnSide(apart, side), weight=weight / 2) for side in SIDES)


recipe = {arm: penalised(arm, 1.0) for arm in (UNCONDITIONAL, CONDITIONAL)}
GRID = {"BT": {"ridge": (0.003, 0.01, 0.03)}, **{arm: {"weight": (0.3, 1.0, 3.0)} for arm in recipe}}
TUNED_BY = "mean gold"
claim = AllOf(
    *(
        leaf
        for arm in recipe
        for leaf in (
            BetterThan(arm, 0.5, on="|moved|, of BT's", lower_is_better=True, effect=0.1),
            BetterThan(arm, 0.5, on="|correlation|, of BT's", lower_is_better=True, effect=0.1),
            NoWorseThan(arm, "BT", on="accuracy", margin=0.02, matched="comparisons"),
            BetterThan(arm, "BT", on="marks", lower_is_better=True, at="last", effect=0.1, matched="KL"),
            AheadAlong(arm, "BT", on="gold", along="KL", effect=0.05),
        )
    )
)
SEEDS = {"smoke": 1, "full": 6, "tune": 2}


def trial(arm: str, seed: int, scale: str, weight: float = 0.0, ridge: float = RIDGE) -> dict:
    world = replace(liked(seed, scale), answers=64 if scale == "smoke" else 192)
    told = {} if arm == "BT" else {"terms": penalised(arm, weight), "items": {MARKS: marks(world)}}
    model = learned(world, asked(world, seed, scale), seed, steps=iterations(scale) // 2, ridge=ridge, **told)
    return looked_at(scores(model, world), world, PRICES[scale]) | {"|moved|": abs(moved(model, world, seed))}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    for arm in recipe:
        arms[arm] |= {f"{name}, of BT's": arms[arm][name] / arms["BT"][name] for name in ("|moved|", "|correlation|")}
    return arms
