"""TreeRL: chains that are forked where their tokens were least expected, and pieces that are credited with what became of them.

Source: TreeRL, arXiv 2506.11902, and its authors' code: (M, N, L, T) of (6, 2, 1, 2), 30 answers of a prompt; global and local advantage over the square root of the leaves; policy
gradient over all leaves. No KL: their script. The learning rate (theirs is 1.5e-6) and the mean over tokens are our choice.
Differs from RLOO: answers to a prompt are drawn as trees.
"""

from guerdon.acting.forks.surprise import Surprise
from guerdon.acting.samplers.forking import Forking
from guerdon.credit.advantages.tree_credit import TreeCredit
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Reinforce()),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=Forking(num_generations=6, forks=2, branches=2, rounds=1, at=Surprise()),
    advantage=TreeCredit(overall=1.0, local=1.0, power=0.5),
)
no_target = "forks depend on the whole of a chain, and the root of the leaves belongs to no expectation; by tests/test_trees.py its gradient is not that of the reward"
