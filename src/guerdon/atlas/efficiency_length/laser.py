"""LASER: a bonus for right answers within a target length, and LASER-D, whose target follows difficulty and policy.

World: problems that need one to five thoughts before an answer is more than a guess (``worlds.finite.pondering``), and a policy of tables that begins with
idle steps among its thoughts and shares what it learns between problems of a kind. Right is 1, wrong 0; everything is measured by sums over all answers.

Arms: GRPO; GRPO with answers cut off while it is trained ("truncation"); right answers scaled down by their length among the group's right ones
("standardised"); LASER; LASER-D. Each arm that shortens is trained at four pressures, from light to heavy (``PRESSURE``: a length, a weight, a target, a
bonus), with 16 problems x 8 answers and one step of AdamW for 40 rounds.

Tuned: the learning rate, by accuracy less 0.05 for a step of length, the mean over pressures. Compared: accuracy at equal length, between what the pressures
buy. 0.02 of accuracy is the smallest difference of interest. And of LASER-D at its paper's bonus: which share of GRPO's length is saved on the easiest kind,
less that on the hardest; 0.05 is of interest.

Source: arXiv 2505.15612 and its code (``verl/utils/reward_score/length_penalty.py``), to which the parts are held. Chosen here: the world, and that targets of
LASER-D are found among the answers that are trained on.
"""

from dataclasses import replace

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas.efficiency_length._pondering import GRPO, trained
from guerdon.feedback.shaping.length_bonus import LengthBonus
from guerdon.feedback.shaping.length_bonus_by_difficulty import LengthBonusByDifficulty
from guerdon.feedback.shaping.standardised_length import StandardisedLength
from guerdon.training.optimiser import AdamW

system = System(
    title="Learn to Reason Efficiently with Adaptive Length-based Reward Shaping",
    link="https://arxiv.org/abs/2505.15612",
    kind="reward",
    builds_on=("grpo", "length-bonus", "length-bonus-by-difficulty"),
    read="code",
    note=(
        "At the same length nobody is ahead of cutting answers off, as far as eight seeds can tell. LASER and plain scaling by "
        "length end at lengths that do not meet on every seed, so that these two comparisons decide nothing; the bonus of "
        "LASER-D saves no more on easy problems than on hard ones (-0.04, its interval 0.5 wide)."
    ),
)
recipe = {
    "grpo": GRPO,
    "truncation": GRPO,
    "standardised": replace(GRPO, shaping=(StandardisedLength(),)),
    "laser": replace(GRPO, shaping=(LengthBonus(target=4),)),
    "laser-d": replace(GRPO, shaping=(LengthBonusByDifficulty(),)),
}
PRESSURE = {"truncation": (7, 6, 5, 4), "standardised": (0.1, 0.2, 0.4, 0.8), "laser": (6, 5, 4, 3), "laser-d": (0.25, 0.5, 1.0, 2.0)}
SHAPING = {"standardised": StandardisedLength, "laser": LengthBonus, "laser-d": LengthBonusByDifficulty}
claim = AllOf(
    AheadAlong("laser", "truncation", on="accuracy", along="length", effect=0.02),
    AheadAlong("laser", "standardised", on="accuracy", along="length", effect=0.02),
    AheadAlong("laser-d", "laser", on="accuracy", along="length", effect=0.02),
    BetterThan("laser-d", 0.0, on="saved on easy more than on hard", effect=0.05),
)
SEEDS = {"smoke": 1, "full": 8, "tune": 2}
GRID = {arm: {"learning_rate": (0.1, 0.2, 0.4)} for arm in recipe}
TUNED_BY = "worth"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    """Accuracy and length at each pressure."""
    steps = 1 if scale == "smoke" else 40
    found = {}
    for place, pressure in enumerate(PRESSURE.get(arm, (0,)), 1):
        method = replace(GRPO, optimiser=AdamW(learning_rate))
        if arm in SHAPING:
            method = replace(method, shaping=(SHAPING[arm](pressure),))
        found[place] = trained(method, seed, steps, **({"longest": pressure} if arm == "truncation" else {}))
    curves = {name: {place: each[name] for place, each in found.items()} for name in next(iter(found.values()))}
    worth = sum(each["accuracy"] - 0.05 * each["length"] for each in found.values()) / len(found)
    return {"worth": worth} | curves


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    plain, ours = arms["grpo"], arms["laser-d"]
    saved = {kind: 1 - ours[f"length, {kind}"][2] / plain[f"length, {kind}"][1] for kind in ("easy", "hard")}
    ours["saved on easy more than on hard"] = saved["easy"] - saved["hard"]
    return arms
