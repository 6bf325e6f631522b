"""Reinforcement-learned teacher: GRPO of explanations after which a student finds the solution likely, and which the student could have thought of itself.

    reward = mean + 0.01 min over the solution's steps of log student(step | question, explanation)
             - 3 * mean over the explanation's steps of (log teacher(step | question, solution) - log student(step | question))

The teacher is told the solution: a row's ``prompt`` is the teacher's, with the columns ``question``, the student's, and ``solution``. ``views: {student: MODEL}``
names the student, which is not trained here; afterwards it is fine-tuned on the explanations.

Source: RLT, Cetin et al. 2025, arXiv 2506.08388, and its authors' code (SakanaAI/RLT, ``teacher_rewards.py``, ``teacher_rlt.yaml``): weights 1 and 0.01, 3, group 64,
learning rate 1e-6, weight of the KL in the loss 0.04. Left out: 0.03 of the largest step of the divergence, which no reward here can read, and the penalty of answers
without their tags. There the student measures at temperature 0.7, and the loss' reference moves.
Differs from GRPO: nothing is right or wrong, so that there is a reward from the first step on.
"""

from dataclasses import replace

from guerdon.acting.samplers.group import Group
from guerdon.feedback.combining.only import Only
from guerdon.feedback.combining.weigh import Weigh
from guerdon.feedback.intrinsic.log_likelihood import LogLikelihood
from guerdon.feedback.intrinsic.weakest_step import WeakestStep
from guerdon.feedback.recasting.explained_solution import ExplainedSolution
from guerdon.feedback.recasting.other_prompt import OtherPrompt
from guerdon.recipes.grpo import recipe as grpo

recipe = replace(
    grpo,
    sampler=Group(num_generations=64),
    intrinsic={
        "understood": LogLikelihood(ExplainedSolution(), by="student"),
        "weakest": WeakestStep(ExplainedSolution(), by="student"),
        "teacher": LogLikelihood(),
        "student": LogLikelihood(OtherPrompt("question"), by="student"),
    },
    combine=Only(("understood", "weakest", "teacher", "student"), Weigh({"weakest": 0.01, "teacher": -3.0, "student": 3.0})),
)

no_target = "its student answers another prompt than its teacher, and the targets' world has one; tests/test_self_made.py holds its reward to the tables"
