"""ExP-GRPO: GRPO on the policy's own answers, and the likelihood of those that it finds when it is told what comes out: its explanations of the known answer.

    loss = GRPO on the policy's answers - 0.1 * log p(explanation with the right end | question)        explanations are drawn by p( | question, answer)

Who explains is the view ``teacher``, bound as ``views: {teacher: {part: in_context, policy: now, template: "{prompt} The answer is {answer}. Explain it."}}``, the policy as
it is, told the answer. An explanation that does not come to the answer is not learned from.

Source: ExPO, arXiv 2507.02834, its abstract and what is said of it elsewhere: explanations of the policy's own, given the answer, are likely under the policy and make the answer
likely; in GRPO their log-likelihood (ExP-SFT) is added. Not read there, and chosen here: its weight, as many explanations as answers, and that it is added for every question,
whether or not an own answer succeeded. The rest is GRPO's.
Differs from GRPO: a question that no answer solves is learned from. From self-distillation: what it was told has to come out, and answers of its own are rewarded.
"""

from dataclasses import replace

from torch import Tensor

from guerdon.acting.samplers.interpolated import Interpolated
from guerdon.credit.advantages.per_actor import PerActor
from guerdon.losses.choices.reward_above import RewardAbove
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.on_actor import OnActor
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.where import Where
from guerdon.recipes.grpo import recipe as grpo
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.recipe import Term

explained = Term(OnActor(Where(RewardAbove(), then=NegativeLogLikelihood()), actor=1), weight=0.1, reduce=SequenceMean())
recipe = replace(
    grpo,
    terms=(*(replace(term, loss=OnActor(term.loss, actor=0)) for term in grpo.terms), explained),
    sampler=Interpolated((0.0, 1.0), num_generations=8, view="teacher"),
    advantage=PerActor(grpo.advantage),
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.probability] * 2)
    advantage = (w.reward[which] - w.reward[which].mean(-1, True)) / (w.reward[which].std(-1, keepdim=True) + 1e-4)
    said = w.said.at(which)
    behind = said.under("ref").steps - said.steps
    step = (said.steps - said.steps.detach()).exp() * advantage.unsqueeze(-1) - 0.04 * (behind.exp() - behind - 1)
    own = -(chance * ((step * said.mask).sum(-1) / said.length).mean(-1)).sum()
    told = w.said.under("teacher").probability.detach() * (w.reward > 0)
    return own - 0.1 * (told * w.said.total / w.said.length).sum()


target = Target(
    "GRPO's objective on the policy's answers - 0.1 E[mean over steps of log p of what the teacher draws and is right]",
    _objective,
    Acts(each=2, views=("teacher",)),
)
