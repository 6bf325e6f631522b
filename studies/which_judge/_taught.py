"""Taught: the model that is asked, once adapters have been fitted to the letter of the verdict, on pairs of other instructions and in both orders."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from guerdon.feedback.formats import Case
from guerdon.feedback.formats.preference_token import PreferenceToken
from guerdon.feedback.writers import Writer
from guerdon.feedback.writers.local import Local
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.tasks.verdicts import Verdicts
from guerdon.training.display import Silent
from guerdon.training.jobs import FitJob
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from studies.which_judge._rows import Pair

RATES = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3)
BATCH, TOKENS = 8, 4096
FORMAT = PreferenceToken()


def taught(model: Any, pairs: Sequence[Pair], longest: int, seed: int) -> tuple[Writer, dict[str, Any]]:
    """A writer that has gone once through three quarters of the pairs, at the rate that makes the right letter likeliest on the last quarter, and what each rate came to there."""
    learned, held = pairs[: -(len(pairs) // 4)], pairs[-(len(pairs) // 4) :]
    rows = [
        dict(zip(("prompt", "chosen", "rejected"), (text[:longest] for text in (pair.instruction, *_by_worth(pair))), strict=True))
        for pair in learned
    ]
    chat = bool(getattr(model.tokenizer, "chat_template", None))
    task = Verdicts(rows, FORMAT, both_orders=True, chat=chat, seed=seed)
    budget = Budget(max(2 * len(rows) // BATCH, 1), BATCH, tokens_per_micro_batch=TOKENS, seed=seed)
    found: dict[float, tuple[float, Any]] = {0.0: (_loss(model, held, longest, seed), model)}
    for rate in RATES:
        recipe = Recipe((Term(NegativeLogLikelihood()),), AdamW(Linear(rate, warmup=0.1)))
        fitted = FitJob(recipe, task, budget)(copy.deepcopy(model), {}, seed, None, Silent()).model
        found[rate] = (_loss(fitted, held, longest, seed), fitted)
        print(f"taught at {rate:g}: {found[rate][0]:.4f}", flush=True)
    best = min(RATES, key=lambda rate: found[rate][0])
    losses = {f"{rate:g}": round(loss, 4) for rate, (loss, _) in found.items()}
    return Local(found[best][1]), {"pairs": len(rows), "rate": best, "losses": losses, "edge": best in (RATES[0], RATES[-1])}


def _loss(model: Any, pairs: Sequence[Pair], longest: int, seed: int) -> float:
    """Of the right letter, in nats, over both orders."""
    both = [answers for pair in pairs for answers in (_by_worth(pair), _by_worth(pair)[::-1])]
    asked = [pair.instruction for pair in pairs for _ in range(2)]
    cases = [Case(prompt[:longest], tuple(text[:longest] for text in answers)) for prompt, answers in zip(asked, both, strict=True)]
    share = np.array([0.5 if verdict.value is None else verdict.value for verdict in FORMAT(Local(model), cases, seed)])
    right = np.where(np.arange(len(share)) % 2 == 0, share, 1 - share)
    return float(-np.log(np.clip(right, 1e-12, 1)).mean())


def _by_worth(pair: Pair) -> tuple[str, str]:
    """The better answer, and the other."""
    return pair.answers if pair.first else pair.answers[::-1]
