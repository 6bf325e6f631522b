"""RMT: reinforcement mid-training: thoughts before the next token, with a budget that shrinks, easy places first, and next-token prediction beside it.

    reward  = 1 where the token that is predicted is the one that follows + 0.5 * a triangle about the budget of tokens
    loss    = GRPO on places that are drawn by their level
    lessons = next-token prediction, with a weight of 0.1, of every place that was tried, whatever came of it, 32 at once

A row is a place in a text: ``prompt`` is what stands before it, ``answer`` the token that follows, ``level`` how undecided the model was there
(its entropy, in steps). The budget begins at 512 tokens and ends at a tenth, and 64 at least.

Source: RMT, arXiv 2509.24375, its abstract and a summary, which gives the budget's formula (an exponential with a least value) and names the
triangle, sampling from easy to hard and the two losses. There RL is of tokens that are chosen and the prediction of all tokens of a text;
here it is of all places that the task has and training has come to. Not read, and chosen here: all numbers, the triangle's width, and the
form of the sampling, which is E2H's. The rest is GRPO's, without its KL.
Differs from GRPO: what is practised and how long a thought may be change with time, and what follows is learned beside it.
"""

from guerdon.acting.samplers.group import Group
from guerdon.data.lessons.failed_prompts import FailedPrompts
from guerdon.data.selection.easy_to_hard import EasyToHard
from guerdon.feedback.shaping.near_length import NearLength
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.recipes.grpo import recipe as grpo
from guerdon.training.recipe import Recipe, Term
from guerdon.training.schedules.exponential import Exponential

recipe = Recipe(
    terms=(grpo.terms[0], Term(NegativeLogLikelihood(), weight=0.1, data="lessons")),
    optimiser=grpo.optimiser,
    sampler=Group(num_generations=8),
    shaping=(NearLength(target=Exponential(512.0, 0.1, least=64.0)),),
    weighing=EasyToHard(),
    advantage=grpo.advantage,
    lessons=FailedPrompts(rows=32, column="answer", threshold=2.0),  # no reward comes to 2: all places are waited for
)
no_target = "it learns from demonstrations beside answers, and its budget is of a whole run, of which the targets' world has one step"
