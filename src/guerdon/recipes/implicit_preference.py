"""Implicit preference: DPO on the answers that the policy itself calls good with the most and the least confidence.

    reward = log p(Yes | asked about the answer) - log p(No | asked about the answer);   best against worst of 4 answers

It is the logit of p(Yes) / (p(Yes) + p(No)), so that the two order answers alike, and best and worst are the same.

Source: IPO, Garg et al. 2025, arXiv 2502.16182, and its authors' code (``DPO/ours.py``): 4 answers, Yes against No, the highest against the lowest, ``beta`` 0.1. Its
questions depend on the kind of task; this one's wording is that of ``question``. That pairs are drawn as it goes on, with the policy as it is then as its judge,
is ours; learning rate: DPO's.
Differs from OnlineDPO: the policy is its own judge. Not to be taken for ``ipo``, which is another loss.
"""

from dataclasses import replace

from guerdon.acting.samplers.group import Group
from guerdon.data.pairing.best_worst import BestWorst
from guerdon.feedback.combining.only import Only
from guerdon.feedback.combining.weigh import Weigh
from guerdon.feedback.intrinsic.log_likelihood import LogLikelihood
from guerdon.feedback.recasting.question import Question
from guerdon.recipes.online_dpo import recipe as online_dpo

recipe = replace(
    online_dpo,
    sampler=Group(num_generations=4),
    pairing=BestWorst(),
    intrinsic={
        "yes": LogLikelihood(Question(), over="sequence"),
        "no": LogLikelihood(Question(says="No"), over="sequence"),
    },
    combine=Only(("yes", "no"), Weigh({"no": -1.0})),
)

no_target = "the policy is asked in words whether an answer is good, and the answers of the targets' world are actions"
