"""ReMax: REINFORCE with one answer, compared with the policy's most likely one.

Source: ReMax, arXiv 2310.10505; one drawn and one greedy answer, learning rate 1e-6, and KL in the reward with weight 0.05:
the authors' script for Llama-2-7B (``step3_rlhf_finetuning``). There each token bears its own KL alone, and the difference of the
outcomes is discounted by 0.99; here the KL is a return of its own, as in verl, and nothing is discounted, which is the gradient of the reward
and the KL. The paper's gradient is that of a sum over tokens: the reduction is a constant length of 1 (their code takes the mean over tokens).
Differs from RLOO: the baseline is one greedy answer, so that a single one is drawn; and none of the KL is compared.
"""

from torch import Tensor

from guerdon.acting.samplers.beside_greedy import BesideGreedy
from guerdon.credit.advantages.greedy_baseline import GreedyBaseline
from guerdon.credit.advantages.penalties_apart import PenaltiesApart
from guerdon.data.selection.drawn import Drawn
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.reduce.constant_length import ConstantLength
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term

recipe = Recipe(
    terms=(Term(Reinforce(), reduce=ConstantLength(length=1)),),
    optimiser=AdamW(learning_rate=1e-6),
    sampler=BesideGreedy(num_generations=1),
    reward_penalties=(Term(KLDirect(), weight=0.05),),
    advantage=PenaltiesApart(GreedyBaseline()),
    learned=(Drawn(),),
)


def _objective(w: World) -> Tensor:
    return 0.05 * (w.said.probability * w.said.ratio).sum() - w.said.probability @ w.reward


target = Target("- E[reward] + 0.05 KL(policy || reference)", _objective, Acts())
