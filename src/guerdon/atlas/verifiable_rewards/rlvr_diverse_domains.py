"""RLVR in diverse domains: a judge's verdict is a better reward than a match with free text, and its probability a better one yet.

World: 256 problems of four kinds, half of them practised on and the other half measured by the truth (``_verifiers``). References are
unstructured: the rule, a match of strings, knows one way of writing in five on each problem. The judge sees through the writing and errs
on 16 answers in 100, right or wrong, which is more than its errors on structured answers (5 in 100), where the two rewards of a judge are
compared besides.

Arms, REINFORCE with rewards normalised over the batch and the mean of the others as a baseline, 100 steps of 16 problems x 8 answers:
"rule"; "binary", the judge's verdict; "soft", its probability of being right; and the last two with the better judge. Learning rates are
tuned for each, five of them, by the true success at the end.

Measured, exact, on held-out problems: the true probability that one answer is right, at the end.

Claimed: the judge's rewards are ahead of the rule's; soft is ahead of binary where the judge is unsure, and no worse where it is not.

Source: Su et al. 2025, arXiv 2503.23829: the abstract and a summary of its rewards. There the judge is a model of 7 B distilled from one
of 72 B; here its errors are given, its probability is calibrated at even odds, and how it is distilled is not tried. Chosen here, before
an arm was run: the errors and the ways of writing; 0.02 of success as the smallest difference of interest.
"""

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas._approaches import Practice
from guerdon.atlas.verifiable_rewards._verifiers import accuracies
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.feedback.shaping.batch_normalise import BatchNormalise
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

system = System(
    title="Expanding RL with Verifiable Rewards Across Diverse Domains",
    link="https://arxiv.org/abs/2503.23829",
    kind="reward",
    builds_on=("rloo", "generative-verifier", "reward-normalisation"),
    read="abstract",
    note=(
        "A verifier that reads many forms is worth 0.07 over the rule. Soft scores add nothing to binary ones, on free answers "
        "0.04 less (undecided), on structured ones 0.000."
    ),
)
recipe = Recipe((Term(Reinforce(), reduce=SequenceMean()),), AdamW(0.1), Group(8), shaping=(BatchNormalise(),), advantage=LeaveOneOut())
STEPS, UNSURE, SURE = 100, 1.0, 1.645
ARMS = {
    "rule": ("rule", UNSURE),
    "binary": ("second", UNSURE),
    "soft": ("soft", UNSURE),
    "binary, structured": ("second", SURE),
    "soft, structured": ("soft", SURE),
}
claim = AllOf(
    *(BetterThan(arm, "rule", on="at the end", effect=0.02, matched="samples, updates") for arm in ("binary", "soft")),
    BetterThan("soft", "binary", on="at the end", effect=0.02, matched="samples, updates"),
    NoWorseThan("soft, structured", "binary, structured", on="at the end", margin=0.02, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}
GRID = {arm: {"learning_rate": (0.03, 0.06, 0.12, 0.25, 0.5)} for arm in ARMS}
TUNED_BY = "at the end"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    by, sensitivity = ARMS[arm]
    stops = (2 if scale == "smoke" else STEPS,)
    found = accuracies(Practice(seed, 0), recipe, learning_rate, stops, by=by, missed=0.8, sensitivity=sensitivity)
    return {"at the end": found["at the end"]}
