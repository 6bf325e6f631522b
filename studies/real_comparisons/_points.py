"""Points: an objective at a learning rate, learned and measured; each is kept as soon as it is finished."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.errors import InputError
from guerdon.models.language.policy import LanguagePolicy
from guerdon.sequences import Batch, Decoding, Sequences, collate, merge
from guerdon.training.loops.fit import fit
from guerdon.training.measuring import measured
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.remembering import Remembering
from guerdon.training.schedules.linear import Linear
from studies.real_comparisons._pairs import split
from studies.real_comparisons._size import Size

SEED = 0
WARMUP = 0.1
TOKENS = 2048  # that go through the model at once

Kept = dict[str, Any]


class Points:
    """One model on one set of pairs. ``folder`` None: nothing is kept beyond the object's life. ``name``: what the model is called.

    Raises:
        InputError: there are too few pairs, or the folder holds points of other settings.
    """

    def __init__(self, size: Size, rows: Sequence[Mapping[str, Any]], model: LanguagePolicy, folder: Path | None, name: str):
        self.size, self.model, self.folder, self.name = size, model, folder, name
        self.pairs = split(rows, model, size, SEED)
        self.start = {name: p.detach().clone() for name, p in model.module.named_parameters() if p.requires_grad}
        self.reference = model.reference()
        self.here: dict[str, Kept] = {}
        if folder is not None:
            self._refuse_other_settings()

    @property
    def settings(self) -> dict[str, Any]:
        """What a point depends on besides its objective and its rate."""
        size = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self.size).items()}
        digest = hashlib.blake2b(repr(self.pairs).encode(), digest_size=8).hexdigest()
        precision = str(self.model.dtype).removeprefix("torch.")
        return {**size, "pairs_digest": digest, "seed": SEED, "model": self.name, "precision": precision}

    def untrained(self) -> Kept:
        """The model before the first step: on validation and test pairs, and what it answers."""
        return self._kept("untrained", self._measure_untrained)

    def learned(self, name: str, terms: tuple[Term, ...], rate: float) -> Kept:
        """A point of the grid on the validation pairs, and the seconds of learning."""

        def made() -> Kept:
            begun = time.process_time()
            self._learn(terms, rate)
            took = time.process_time() - begun
            if self.folder is not None:
                torch.save({n: p for n, p in self.model.module.named_parameters() if p.requires_grad}, self._weights(name, rate))
            return {"validation": self._log_probabilities("validation", self.model), "cpu_s": took}

        return self._kept(f"{name} {rate:g}", made)

    def tested(self, name: str, terms: tuple[Term, ...], rate: float) -> Kept:
        """A point on the test pairs, and what it answers. The weights of the objective's other points are let go."""

        def made() -> Kept:
            weights = self._weights(name, rate)
            if weights is not None and weights.exists():
                self._put(torch.load(weights))
            else:
                self._learn(terms, rate)
            return {"test": self._log_probabilities("test", self.model), "answers": self._answers()}

        found = self._kept(f"{name} {rate:g} tested", made)
        for other in self.size.learning_rates if self.folder is not None else ():
            self._weights(name, other).unlink(missing_ok=True)
        return found

    def reordered(self, name: str, terms: tuple[Term, ...], rate: float, seed: int) -> Kept:
        """A point learned from the same pairs in another order, on the test pairs."""

        def made() -> Kept:
            self._learn(terms, rate, seed)
            return {"test": self._log_probabilities("test", self.model)}

        return self._kept(f"{name} {rate:g} order {seed}", made)

    # learning

    def _learn(self, terms: tuple[Term, ...], rate: float, seed: int = SEED) -> None:
        """From the start, one pass over the training pairs; in which order, the seed says."""
        self._put(self.start)
        size = self.size
        budget = Budget(steps=size.train // size.batch_size, batch_size=size.batch_size, tokens_per_micro_batch=TOKENS, seed=seed)
        recipe = Recipe(terms, AdamW(learning_rate=Linear(rate, warmup=WARMUP)))
        fit(self.model, self.pairs["train"], recipe, budget, remember=self._measured)

    def _put(self, values: Mapping[str, Tensor]) -> None:
        own = dict(self.model.module.named_parameters())
        with torch.no_grad():
            for name, value in values.items():
                own[name].copy_(value)

    def _weights(self, name: str, rate: float) -> Path | None:
        return None if self.folder is None else self.folder / f"{name} {rate:g}.pt"

    @property
    def _measured(self) -> Path | None:
        """Where ``fit`` remembers what the reference says."""
        return None if self.folder is None else self.folder / "measured"

    # measuring

    def _measure_untrained(self) -> Kept:
        self._put(self.start)
        begun = time.process_time()
        if self.folder is not None:  # what ``fit`` would measure at its first steps, so that no objective pays for all
            known = Remembering(self.model.reference(), self._measured)
            for first in range(0, self.size.train, self.size.batch_size):
                known.measure(_both(collate(self.pairs["train"][first : first + self.size.batch_size])), {"logp"})
        took = time.process_time() - begun
        on = {part: self._log_probabilities(part, self.reference) for part in ("validation", "test")}
        return {**on, "answers": self._answers(), "cpu_s": took}

    def _log_probabilities(self, part: str, model: LanguagePolicy) -> dict[str, list[float]]:
        """Log-probability (nats) and tokens of both answers of every pair."""
        both = _both(collate(self.pairs[part]))
        logp, tokens = measured(model, both, {"logp"}, TOKENS)["logp"].double().sum(-1), both.mask.sum(-1).double()
        named = {"chosen": logp, "rejected": logp, "chosen_tokens": tokens, "rejected_tokens": tokens}
        return {name: _numbers(values.chunk(2)[name.startswith("rejected")]) for name, values in named.items()}

    def _answers(self) -> dict[str, list[float]]:
        """Answers to the first test prompts, drawn with the same random numbers by every model; the exact KL from the reference, summed over steps."""
        prompts = collate(self.pairs["test"][: self.size.prompts]).sides["chosen"].contexts
        drawn = Group(num_generations=1)(self.model, prompts, Decoding(self.size.max_completion_length), SEED)
        kl = measured(self.model, drawn, {"ref_kl"}, TOKENS, {"ref": self.reference})["ref_kl"].double().sum(-1)
        ended = drawn.quantities["terminated"].double()
        return {"tokens": _numbers(drawn.mask.sum(-1).double()), "kl": _numbers(kl), "ended": _numbers(ended)}

    # keeping

    def _kept(self, name: str, made: Callable[[], Kept]) -> Kept:
        """What is kept under that name, or what is made now and then kept."""
        path = None if self.folder is None else self.folder / f"{name}.json"
        if name not in self.here and path is not None and path.exists():
            self.here[name] = json.loads(path.read_text())
        if name not in self.here:
            begun = time.process_time()
            self.here[name] = made() | {"total_cpu_s": time.process_time() - begun}
            if path is not None:
                part = path.with_suffix(".part")
                part.write_text(json.dumps(self.here[name]))
                part.replace(path)
                print(f"{name}: {self.here[name]['total_cpu_s']:.0f} s", flush=True)
        return self.here[name]

    def _refuse_other_settings(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "settings.json"
        if path.exists() and json.loads(path.read_text()) != self.settings:
            raise InputError(f"{self.folder} holds points of other settings ({path}); give another folder (--runs), or delete it")
        path.write_text(json.dumps(self.settings, indent=1) + "\n")


def _both(batch: Batch) -> Sequences:
    """The chosen answers, then the rejected ones."""
    return merge([batch.sides["chosen"], batch.sides["rejected"]])


def _numbers(values: Tensor) -> list[float]:
    return [round(float(x), 4) for x in values]
