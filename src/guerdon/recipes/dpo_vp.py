"""DPO-VP: rounds of DPO on the policy's own answers, a right one over a wrong one, each round held to the policy that it starts from.

A step of the loop is a round: eight answers to every prompt of the batch, judged by a verifier; of prompts with right and wrong answers,
one of each is a pair. Prompts that are always or never solved are passed over ("coarse filtering").

Source: enhancing LLM reasoning with iterative DPO, arXiv 2503.12854: rounds, verifiable pairs, the previous model as the reference. Left
out: its rising sampling temperature. Eight answers: GRPO's; ``epochs`` and ``minibatches``: ours; the rest: DPO's.
Differs from online DPO: few large rounds, and the reference moves.
"""

from dataclasses import replace

from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.acting.samplers.group import Group
from guerdon.data.pairing.best_worst import BestWorst
from guerdon.recipes.online_dpo import recipe as online_dpo
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.updates.reset_reference import ResetReference

recipe = replace(online_dpo, sampler=Group(8), pairing=BestWorst(), epochs=3, minibatches=4, updates=(ResetReference(every=1),))


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.probability] * 3)
    right, wrong = (
        which.gather(-1, w.reward[which].eq(said).double().argmax(-1, True)).squeeze(-1) for said in (1, 0)
    )  # the first of each
    both = (w.reward[which] == 1).any(-1) & (w.reward[which] == 0).any(-1)
    return -(chance * logsigmoid(0.1 * (w.said.ratio[right] - w.said.ratio[wrong])))[both].sum()


target = Target(
    "E over groups with right and wrong answers of DPO's loss of a right one over a wrong one", _objective, Acts(rewards=(1.0, 0.0, 0.0))
)
