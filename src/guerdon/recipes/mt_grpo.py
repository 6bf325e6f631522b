"""MT-GRPO: what the first turn earned is credited to it alone, the outcome to all turns.

Rewards named ``turn`` and ``outcome`` are expected, of which the outcome counts as the reward that is logged.

Source: MT-GRPO, arXiv 2505.11821, and its authors' code (``mt_grpo_env_trainer.py``): group-normalised advantages of either reward, coefficient 1, clip of 0.2, mean over tokens,
no KL and learning rate 1e-6. Two epochs: its script (``NUM_ITERATIONS``), without which the clip has nothing to do. 8 answers: ours; there 21.
Differs from GRPO: two rewards are normalised apart, and one of them does not reach the last turn.
"""

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.turn_group import TurnGroup
from guerdon.credit.segments.turns import Turns
from guerdon.losses.surrogates.clip import Clip
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Clip(0.2)),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Group(num_generations=8),
    segments=Turns(),
    advantage=TurnGroup(turn="turn", outcome="outcome", weight=1.0),
    epochs=2,
)
no_target = "it reads two rewards of an answer, of which the targets' world has one"
