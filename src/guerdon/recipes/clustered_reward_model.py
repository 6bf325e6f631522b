"""Clustered reward model: a reward for each group of people, who are sorted into groups by what they have preferred.

Source: the reward mixture of MaxMin-RLHF, Chakraborty et al. 2024, arXiv 2402.08925. Its model has a head of ``clustered_users`` and rows a
column ``user``; batches should hold several pairs of a user. Learning rate: that of ``reward_model``, for whole bodies; heads on frozen
embeddings take 0.01 to 0.1.
Differs from reward_model: who judged is known, and counts.
"""

from guerdon.losses.several_heads.clusters import Clusters
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe((Term(Clusters()),), AdamW(learning_rate=1e-5))
