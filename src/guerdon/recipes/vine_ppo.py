"""VinePPO: PPO without a critic: where a reasoning step begins, its value is found by drawing on from there.

Source: VinePPO, arXiv 2410.01679, and its authors' configurations (github.com/McGill-NLP/VinePPO): 9 draws at every step, 8 chains of a prompt, clip of 0.2, two epochs,
learning rate 1e-6. Its borders are new lines; here every 50 tokens, which any tokenizer has (``after_actions`` takes the token of a new line). Its KL in the reward is left out:
the values that are drawn know the outcome alone.
Differs from PPO: the value of a state is a mean of outcomes and no network's; tokens of a reasoning step share an advantage.
"""

from guerdon.acting.forks.borders import Borders
from guerdon.acting.samplers.forking import Forking
from guerdon.credit.advantages.probed_values import ProbedValues
from guerdon.credit.segments.every_n import EveryN
from guerdon.losses.surrogates.clip import Clip
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Clip(0.2)),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Forking(num_generations=8, forks=0, branches=9, at=Borders(EveryN(n=50), first=True)),
    advantage=ProbedValues(),
    epochs=2,
)
no_target = "its draws go on from the middle of answers, which the targets' world does not deal; tests/test_trees.py enumerates them and finds the gradient of the reward"
