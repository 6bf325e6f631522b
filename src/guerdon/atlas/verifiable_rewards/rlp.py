"""RLP: before a model predicts, it thinks, and a thought is rewarded by how much likelier it makes what really follows.

World: texts with a middle left unsaid (``_unsaid.Unsaid``): what follows depends on a middle, which is the same for all places of a kind,
and on a hint, which is not. The base policy could draw the end from the middle, thinks in three completions of ten, and knows no middle. Of
24 places half are practised and half held out; a seed is another world.

Arms, mid-training, 20 updates on all practised places, then the same post-training for all, 10 updates of GRPO (leave-one-out, 16
completions, rate 0.1) that is told which ends are right:

* "continued pretraining": the likelihood of what follows, with the middle unsaid. A rate of 0 is none, which is the base policy;
* "RPT": a thought and an end are drawn, and the reward is 1 where the end is what follows; 16 for each place, as for RLP;
* "RLP": thoughts are drawn, and the reward is the gain in log-likelihood over a slow copy of the policy that did not think.

Continued pretraining cannot win on held-out places here but by not learning, since what it learns of ends is each place's own: against it
the claim holds by construction. RPT learns the same thoughts from a reward of 0 and 1, with an end to be drawn: that is the comparison that
can fail.

The learning rate of each is tuned, by the accuracy after post-training. Measured, exactly, on held-out places: accuracy after mid-training
and after post-training; and how much likelier what follows is to RLP's policy after the right thought, and after others on average, than to
the base policy without a thought (the slow copy, which 20 steps at 0.999 have hardly moved); RLP trains thoughts and not what comes after
them, so that this gain is the base policy's. The smallest difference of interest: 0.05 of accuracy, 0.1 nats.

Not compared: RLP without the slow copy. By the paper's eq. 7 what the copy says cancels from the advantage, so that the two make the same
steps; the tests of the recipe hold this.

Source: Hatamizadeh et al. 2025, arXiv 2510.01265, read whole: tables 1 to 4 (continued pretraining with equal tokens and equal FLOPs, RPT
with equal data). Chosen here: world, sizes, rates, effects; there models of 1.7 B and 12 B, and post-training with demonstrations before
RLVR.
"""

from dataclasses import replace
from functools import lru_cache

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, Knob, System
from guerdon.atlas.verifiable_rewards._unsaid import Reader, Unsaid, improved, measured, read
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.recipes.rlp import recipe as rlp
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

system = System(
    title="RLP: Reinforcement as a Pretraining Objective",
    link="https://arxiv.org/abs/2510.01265",
    kind="method",
    builds_on=("log-likelihood", "what-follows", "moving-average", "leave-one-out", "clip"),
    read="paper",
    note=(
        "RPT learns from a reward of 0 and 1 with an end to be drawn, of which few are right here at first; where most are, the "
        "advantage of a dense reward should be smaller."
    ),
)
MID, POST = 20, 10
_verified = Recipe((Term(Clip(), reduce=SequenceMean()),), AdamW(0.1), Group(16), advantage=LeaveOneOut())
recipe = {
    "continued pretraining": Recipe((Term(NegativeLogLikelihood()),), AdamW(0.03)),
    "RPT": _verified,
    "RLP": replace(rlp, optimiser=AdamW(0.3)),
}
GRID = {
    "continued pretraining": {"learning_rate": Knob((0.0, 0.01, 0.03, 0.1), least=0.0)},
    "RPT": {"learning_rate": (0.1, 0.2, 0.4, 0.8)},
    "RLP": {"learning_rate": (0.1, 0.2, 0.4, 0.8)},
}
TUNED_BY = "accuracy after post-training"
claim = AllOf(
    BetterThan("RLP", "continued pretraining", on=TUNED_BY, effect=0.05, matched="places, updates", by_construction=True),
    *(BetterThan("RLP", "RPT", on=measure, effect=0.05, matched="samples, updates") for measure in ("accuracy", TUNED_BY)),
    BetterThan("RLP", 0.0, on="gain, right thought", effect=0.1, by_construction=True),
    BetterThan("RLP", 0.0, on="gain, wrong thought", effect=0.1, lower_is_better=True, by_construction=True),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 3}


@lru_cache(maxsize=4)
def start(seed: int) -> tuple[Unsaid, Reader]:
    world = Unsaid(seed=seed)
    return world, world.base()


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    world, base = start(seed)
    policy, method = base.copy(), replace(recipe[arm], optimiser=AdamW(learning_rate))
    mid, post = (1, 1) if scale == "smoke" else (MID, POST)
    if arm == "continued pretraining":
        read(policy, world, method, mid, seed)
    else:
        improved(policy, world, method, mid, seed, longest=1 if arm == "RLP" else 2)
    found = measured(policy, world, base)
    improved(policy, world, _verified, post, seed)
    return found | {TUNED_BY: measured(policy, world, base)["accuracy"]}
