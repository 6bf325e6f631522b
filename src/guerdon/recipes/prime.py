"""PRIME: leave-one-out with a reward of every token, by an implicit process reward model that learns from the same answers which of them were right.

    recipe: prime        # rewards of 0 and 1; ``prm``, a copy of the policy, is the model of the process; a stage that trained one is named by recipe.learners.prm.model

The process model's log-ratio to the start, times 0.05, is made the log-odds that an answer is right; each token is then paid its own share
of it. It needs no label but the outcome's, and one more forward pass and gradient step for each batch.

Source: PRIME, arXiv 2502.01456, abstract, and its authors' code in verl (``recipe/prime``: ``prime_core_algos.py``, ``prime_dp_rm.py``, ``run_prime_qwen.sh``):
four answers, prompts solved more than 0.2 and less than 0.8 of the time, learning rates of 5e-7 and 1e-6, cross-entropy, whitened advantages,
clip of 0.2, means over tokens, no KL (``prime_trainer.yaml``; 0.001 in the script). Process rewards are those of the model before it learns
from the batch (there ``update: after``); asking it again afterwards (``before``, the default there) is left out, and so are the scales that
``implicit_process`` names, the entropy bonus of 0.001, and sampling more prompts than are kept.
Differs from RLOO: process rewards, whitening, the window of success, no KL.
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.implicit_process import ImplicitProcess
from guerdon.data.selection.success_window import SuccessWindow
from guerdon.losses.by_outcome import ByOutcome
from guerdon.losses.pointwise import Pointwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.verdicts.cross_entropy import CrossEntropy
from guerdon.targets import Target
from guerdon.targets.acting import Acts, World
from guerdon.targets.seen import clipped
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Learning, Recipe, Term

recipe = Recipe(
    terms=(Term(Clip(0.2)),),
    optimiser=AdamW(learning_rate=5e-7),
    sampler=Group(num_generations=4),
    selection=(SuccessWindow(0.2, 0.8),),
    advantage=BatchNormalised(ImplicitProcess(beta=0.05)),
    learners={"prm": Learning((Term(ByOutcome(Pointwise(LogRatio(beta=0.05), CrossEntropy()))),), optimiser=AdamW(learning_rate=1e-6))},
)


def _objective(w: World) -> Tensor:
    which, chance = w.draws(*[w.said.under("old").probability] * 2)
    right = (w.reward > 0.5).double()[which]
    kept = ((right.mean(-1) > 0.2) & (right.mean(-1) < 0.8)).double()
    said, tokens = w.said.at(which), w.said.at(which).length.sum(-1)[:, None, None]
    lead = said.under("prm").steps - said.under("ref").steps
    paid = 0.05 * lead.detach()
    usual = paid.sum(-1) / said.length
    above = 2 * (paid - usual.mean(-1)[:, None, None]) * said.mask
    credit = torch.stack([above[..., 0] + above[..., 1], above[..., 1]], -1) + (w.reward[which] - w.reward[which].flip(-1)).unsqueeze(-1)
    centred = (credit * said.mask - (credit * said.mask).sum((-2, -1), True) / tokens) * said.mask
    advantage = centred / ((centred.square().sum((-2, -1), True) / tokens).sqrt() + 1e-8)
    gain = clipped((said.steps - said.under("old").steps).exp(), advantage, 0.2, 0.2) * said.mask
    odds = 0.05 * lead.sum(-1)
    told = right * logsigmoid(odds) + (1 - right) * logsigmoid(-odds)
    return -(chance * kept * (gain.sum((-2, -1)) / tokens.squeeze() + told.mean(-1))).sum()


target = Target(
    "- E[mean over tokens of the clipped gain of the whitened sum of leave-one-out process rewards to come and leave-one-out outcome] "
    "+ E[mean over answers of the process model's cross-entropy], over groups with a right and a wrong answer",
    _objective,
    Acts(group=2, away=True, views=("prm",), learning=("prm",), rewards=(1.0, 0.0, 1.0)),
)
