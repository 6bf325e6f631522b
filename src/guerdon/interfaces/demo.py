"""The demonstration: a tiny language model learns a format from a few examples, and then to reason from a reward that can be checked.

The task is to sort ten letters. 300 solved problems teach the form of an answer (SFT); after that nothing but a reward for answers that the
model finds itself (exact or partly right) improves it. Accuracy is measured on problems that neither stage saw and no setting was chosen on.
"""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.data.selection.zero_variance import ZeroVariance
from guerdon.evaluation.statistics import Estimate
from guerdon.evaluation.statistics.wilson import Wilson
from guerdon.interfaces.card import write as write_card
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.language.policy import LanguagePolicy
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.sequences import Decoding
from guerdon.training.display import Display
from guerdon.training.jobs import FitJob, ImproveJob, encoder_for
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.training.stages import Outputs
from guerdon.worlds.text.demonstrations import Demonstrations
from guerdon.worlds.text.sort_letters import SortLetters

TASK = SortLetters(length=10)
UNSEEN = SortLetters(length=10, seed=20261121, test_size=1000)  # problems that no setting was chosen on
MODEL = SmallLanguageModel(TASK.characters)

imitate = FitJob(
    Recipe((Term(NegativeLogLikelihood()),), AdamW(Linear(2e-3, end=2e-4, warmup=0.15), betas=(0.9, 0.95))),
    Demonstrations(TASK, rows=300, held_out=64),
    Budget(steps=200, batch_size=64, save_every=100, evaluate_every=50),
)
practise = ImproveJob(
    Recipe(
        (Term(Clip(epsilon=0.2, epsilon_high=0.28)),),
        AdamW(Linear(3e-4, end=3e-5, warmup=0.01), betas=(0.9, 0.95)),
        sampler=Group(num_generations=8),
        advantage=GroupCentred(),
        selection=(ZeroVariance(),),
    ),
    TASK,
    decoding=Decoding(max_completion_length=12),
    budget=Budget(steps=800, batch_size=32, save_every=100, evaluate_every=100, log_completions_every=50),
)


@dataclass(frozen=True)
class Shown:
    """What the demonstration found."""

    before: Estimate
    after: Estimate
    seconds: dict[str, float]
    folder: Path


def demo(folder: Path, seed: int, display: Display) -> Shown:
    """Run both stages in ``folder`` (or go on where they were stopped) and measure exact answers before and after."""
    model = MODEL.build(seed)
    seconds: dict[str, float] = {}
    begun = perf_counter()
    imitate(model, {}, seed, folder / "sft", display)
    seconds["sft"] = perf_counter() - begun
    before = accuracy(model)
    begun = perf_counter()
    out: Outputs = practise(model, {}, seed, folder / "rl", display)
    seconds["rl"] = perf_counter() - begun
    after = accuracy(out.model)
    out.model.save(folder / "rl" / "model")
    write_card(folder / "rl", folder / "rl" / "model")
    return Shown(before, after, seconds, folder / "rl")


def accuracy(policy: Any) -> Estimate:
    """The share of unseen problems whose most likely answer is exactly right, with a 95 % interval."""
    return Wilson()([float(said == row["answer"]) for said, row in zip(answers(policy), UNSEEN.test(), strict=True)])


def answers(policy: LanguagePolicy) -> list[str]:
    """The most likely answer to each unseen problem."""
    rows, encoder = UNSEEN.test(), encoder_for(policy)
    contexts = [torch.tensor(encoder.encode_prompt(row["prompt"])) for row in rows]
    greedy = Decoding(max_completion_length=12, temperature=0.0)
    out = policy.sample(contexts, torch.arange(len(contexts)), greedy, torch.zeros(len(contexts), 12))
    return [encoder.decode(out.actions[b, :n].tolist()) for b, n in enumerate(out.length.tolist())]
