"""ODIN: what people like in length goes into a head of its own, which is left out when answers are scored.

World: answers with four qualities, whose worth bends at 2.5, and one mark that is worth nothing, standing for length (``_marks.liked``): it goes
along with quality a little (a correlation of 0.3 with what the qualities would be worth without a bend), and people like a unit of it as much as a
deviation of quality. A reward follows 1,000 comparisons of answers of the reference; it is a linear head on 64 random features, fitted by Adam with a
ridge. What a reward asks for within a budget of KL is its exponential tilt, exactly, so that nothing depends on how a policy is optimised. A seed is
another world, other comparisons and other features.

Arms: Bradley-Terry (its ridge tuned); the same less a multiple of the mark, the length penalty (weight tuned; a ridge of 0.01, as ODIN's); ODIN (the
weight of its correlation terms tuned, the overlap of heads with weight 1), of which the quality head is the score. All are tuned by the mean of gold
over the budgets, which nobody could do with people: it is what each arm can do at best. Heads are not normalised: the body is frozen, so a head of
length 1 could not have the size of the reward.

Measured, all exact: "gold" and "marks" of the policy at each KL; "accuracy": how often two answers of the reference are ordered as gold orders them;
"|correlation|" of the score with the mark under the reference, within contexts.

Source: Chen et al. 2024, arXiv 2402.07319, and its authors' code (github.com/Lichang-Chen/ODIN: ``two_head_rw.py``,
``step2-reward-modeling/main.py``). There Vicuna-7B on OpenAssistant, PPO and ReMax, and a frontier of win rate by length. Chosen here: the world and
its sizes. The smallest differences of interest: 0.05 of gold (its deviation under the reference is about 1), 0.02 of accuracy.
"""

from guerdon.atlas import AheadAlong, AllOf, BetterThan, EqualTo, Knob, System
from guerdon.atlas.reward_robustness._marks import MARKS, asked, budgets, iterations, learned, liked, looked_at, marks
from guerdon.atlas.reward_robustness._proxies import scores
from guerdon.losses.on_both_sides import OnBothSides
from guerdon.losses.on_side import OnSide
from guerdon.losses.penalties.attribute_correlation import AttributeCorrelation
from guerdon.losses.penalties.head_overlap import HeadOverlap
from guerdon.losses.several_heads.summed import Summed
from guerdon.models.heads.disentangled import Disentangled
from guerdon.training.recipe import Term

system = System(
    title="ODIN: Disentangled Reward Mitigates Hacking in RLHF",
    link="https://arxiv.org/abs/2402.07319",
    kind="reward",
    builds_on=("bradley-terry", "summed", "attribute-correlation", "head-overlap", "exponential-tilt"),
    read="code",
    note=(
        "The quality head has next to no correlation with the mark (0.02, Bradley-Terry's 0.78) and is right more often (0.85 against 0.79); the gold that it buys at "
        "equal KL is 0.08 more, which 16 seeds do not tell from nothing (0.15 on 16 others); a length penalty whose weight is tuned by gold, which leaves the mark what "
        "it really tells, is ahead of it by 0.19."
    ),
)
RIDGE = 0.01


def odin(weight: float) -> tuple[Term, ...]:
    return Term(Summed()), Term(OnBothSides(AttributeCorrelation(MARKS)), weight=weight), Term(OnSide(HeadOverlap()))


recipe = {"ODIN": odin(1.0)}
GRID = {
    "BT": {"ridge": (0.003, 0.01, 0.03)},
    "BT less marks": {"weight": Knob((0.4, 0.8, 1.2), least=0.0)},
    "ODIN": {"weight": (0.1, 0.3, 1.0)},
}
TUNED_BY = "mean gold"
claim = AllOf(
    EqualTo("ODIN", 0.0, on="|correlation|", tolerance=0.1),
    BetterThan("ODIN", "BT", on="accuracy", effect=0.02, matched="comparisons"),
    BetterThan("ODIN", "BT", on="marks", lower_is_better=True, at="last", effect=0.1, matched="KL"),
    AheadAlong("ODIN", "BT", on="gold", along="KL", effect=0.05),
    AheadAlong("ODIN", "BT less marks", on="gold", along="KL", effect=0.05),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}


def trial(arm: str, seed: int, scale: str, weight: float = 0.0, ridge: float = RIDGE) -> dict:
    world = liked(seed, scale)
    told = {"steps": iterations(scale), "ridge": ridge}
    if arm == "ODIN":
        told |= {"head": Disentangled(normalised=False), "terms": odin(weight), "items": {MARKS: marks(world)}}
    proxy = scores(learned(world, asked(world, seed, scale), seed, **told), world)
    return looked_at(proxy - weight * marks(world).view_as(proxy) if arm == "BT less marks" else proxy, world, budgets(scale))
