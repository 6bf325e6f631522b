"""Process reward model: a head under which every step of an answer says how likely it is right.

    model: {part: headed, body: ..., head: step}        rows {prompt, completions: [step ...], labels: [verdict ...]}

Labels are verdicts of people, shares of continuations that came out right, or what a judge said. The loss is of the last token of each step, and the mean over all steps.

Source: Math-Shepherd, arXiv 2312.08935, eq. 2; Let's Verify Step by Step, arXiv 2305.20050. Learning rate: reward_model's.
Differs from reward_model: a verdict on each step, no comparison.
"""

from torch.nn.functional import softplus

from guerdon.losses.steps.step_cross_entropy import StepCrossEntropy
from guerdon.targets import Target
from guerdon.targets.offline import Marked
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(StepCrossEntropy()),), AdamW(learning_rate=1e-5))

target = Target(
    "the mean over all steps of - label log sigmoid(score) - (1 - label) log sigmoid(-score)",
    lambda d: ((softplus(d.score) - d.label * d.score) * d.ends).sum() / d.ends.sum(),
    Marked(),
)
