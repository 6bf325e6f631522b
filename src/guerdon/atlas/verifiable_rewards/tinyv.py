"""TinyV: a verifier that rejects right answers slows learning down; a second one makes up for it.

World: 256 problems of four kinds, half of them practised on and the other half measured by the truth (``_verifiers``). The rule knows, on
each problem, 62 of 100 ways of writing an answer and rejects what is right in the others; it accepts nothing wrong. The second verifier
errs on one answer in twenty, right or wrong: of the wrong answers that nearly all first answers are it lets through that many, so that it
could do harm as well.

Arms, GRPO, 100 steps of 16 problems x 8 answers, no KL: the reward is the rule's verdict; the truth; the rule's or else the second's. All
have five learning rates and take the one with the best true success at the end.

Measured, exact, on held-out problems after 20 and 100 steps: the true probability that one answer is right.

Claimed: the rule is behind the truth after 20 steps and at the end; the two verifiers are ahead of the rule at both, and at the end no
worse than the truth.

Source: Xu et al. 2025, arXiv 2505.14625: the abstract (38 % of right answers are rejected there). There the second verifier is a small
language model, trained on false and true negatives; here its errors are given, and how it is learned is not tried. That rejections go by
the way of writing is its account too. Chosen here, before an arm was run: the second verifier's errors; 0.02 of success as the smallest
difference of interest.
"""

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas._approaches import Practice
from guerdon.atlas.verifiable_rewards._verifiers import accuracies
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

system = System(
    title="TinyV: Reducing False Negatives in Verification Improves RL for LLM Reasoning",
    link="https://arxiv.org/abs/2505.14625",
    kind="reward",
    builds_on=("grpo", "rule-verifier", "learned-verifier"),
    read="abstract",
    note=(
        "A rule that misses right answers of some forms costs next to nothing in the end (0.018, undecided), and after 20 steps "
        "it is ahead, at the larger rate that is best for its end. The second look is as good as the truth, within what 16 "
        "seeds can tell."
    ),
)
recipe = Recipe((Term(Clip(0.2), reduce=SequenceMean()),), AdamW(0.1), Group(8), advantage=GroupCentred())
ARMS = ("rule", "truth", "rule or second")
EARLY, LAST = 20, 100
claim = AllOf(
    *(BetterThan("truth", "rule", on="accuracy", at=at, effect=0.02, matched="samples, updates") for at in (EARLY, LAST)),
    *(BetterThan("rule or second", "rule", on="accuracy", at=at, effect=0.02, matched="samples, updates") for at in (EARLY, LAST)),
    NoWorseThan("rule or second", "truth", on="accuracy", at=LAST, margin=0.02, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}
GRID = {arm: {"learning_rate": (0.03, 0.06, 0.12, 0.25, 0.5)} for arm in ARMS}
TUNED_BY = "at the end"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    practice, shrunk = Practice(seed, 0), scale == "smoke"
    found = accuracies(practice, recipe, learning_rate, (1, 3) if shrunk else (EARLY, LAST), by=arm, missed=0.38, sensitivity=1.645)
    if shrunk:  # the claimed points are those of full scale
        found["accuracy"] = dict(zip((0, EARLY, LAST), found["accuracy"].values(), strict=True))
    return found
