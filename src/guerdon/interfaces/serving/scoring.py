"""Scoring: a model that is loaded once, and what it says of items. What is said of one does not depend on what else is asked."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guerdon.errors import InputError
from guerdon.interfaces.serving.items import Item, Reader
from guerdon.interfaces.serving.kinds import Kind, OfAnswers, OfSteps
from guerdon.interfaces.serving.settings import Settings
from guerdon.sequences import Side
from guerdon.tasks.encoding import TooLong

YAML = (".yaml", ".yml")


@dataclass(frozen=True)
class Read:
    """An item in tokens."""

    side: Side
    columns: Mapping[str, float]

    @property
    def tokens(self) -> int:
        return len(self.side.context) + len(self.side.actions)


@dataclass(frozen=True)
class Found:
    """What the model says of one item.

    Attributes:
        score: the number.
        more: what else it says: a number, one of each kind, or one of each step.
        tokens: that were read.
    """

    score: float
    more: Mapping[str, Any] = field(default_factory=dict)
    tokens: int = 0


class Unscored(Exception):
    """The model gives no number for an item; the sentence says why."""


class Scoring:
    """A running scorer.

    Args:
        model: measures ``score``, and reads text.

    Raises:
        InputError: it does not.
    """

    def __init__(self, model: Any, settings: Settings):
        from guerdon.training.jobs import encoder_for

        parted = "context" in getattr(getattr(model, "head", None), "reads", ())
        self.kind: Kind = OfAnswers(parted) if settings.steps is None else OfSteps(settings.steps, settings.separator)
        if self.kind.measures not in model.measures:
            raise InputError(
                f"the model measures {' and '.join(sorted(model.measures))} and no {self.kind.measures}: serve one that scores answers as it is, one that scores steps with --steps"
            )
        self.model, self.settings = model, settings
        self.columns: tuple[str, ...] = tuple(getattr(model, "columns", ()))
        self.names = frozenset(model.measures)
        self.reader = Reader(encoder_for(model, truncate=settings.truncate), settings.chat, _tokens_of(model))

    @property
    def room(self) -> int:
        """Tokens that the model has room for."""
        return self.model.context_length

    @property
    def truncated(self) -> int:
        """How many texts were cut so far."""
        return self.reader.encoder.truncated["prompt"]

    def read(self, item: Item) -> Read:
        """An item in tokens.

        Raises:
            InputError: it cannot be scored.
        """
        missing = [name for name in self.columns if name not in item.columns]
        if missing:
            raise InputError(f"the scorer reads {missing[0]!r}, a number, which is missing; send it in columns")
        try:
            side = self.kind.side(item, self.reader)
        except TooLong as error:
            raise InputError(f"{str(error).partition(';')[0]}; shorten it, or start the server with --truncate prompt") from error
        return Read(side, {name: item.columns[name] for name in self.columns})

    def measure(self, items: Sequence[Read]) -> list[Found | Unscored]:
        """What the model says of each; an item that it fails for costs no other."""
        try:
            return self._measured(items)
        except Exception as error:
            if len(items) == 1:
                if isinstance(error, InputError):
                    return [Unscored(str(error))]
                return [Unscored(f"the model failed: {type(error).__name__}: {' '.join(str(error).split())[:200]}")]
            return [self.measure([item])[0] for item in items]

    def _measured(self, items: Sequence[Read]) -> list[Found | Unscored]:
        import torch

        from guerdon.quantities import by_step
        from guerdon.sequences import Example, collate
        from guerdon.training.measuring import measured

        sequences = collate([Example({"": item.side}, item.columns) for item in items]).sides[""]
        said = measured(self.model, sequences, self.names, self.settings.tokens_at_once)
        out: list[Found | Unscored] = []
        for row, item in enumerate(items):
            more: dict[str, Any] = {}
            for name, value in said.items():
                acted = torch.tensor(item.side.mask)
                own = value[row][: len(acted)][acted] if by_step(name, value) else value[row]
                more[name] = own.double().tolist()
            wrong = next((name for name, value in more.items() if not _finite(value)), None)
            if wrong is not None:
                out.append(Unscored(f"the model gives a {wrong} that is no finite number"))
                continue
            score, told = self.kind.number(more.pop(self.kind.measures))
            if isinstance(score, list):
                out.append(Unscored(f"the model gives {len(score)} scores where one is expected"))
            else:
                out.append(Found(score, more | told, item.tokens))
        return out


def load(source: str, dtype: str, device: str, settings: Settings, overrides: Sequence[str] = ()) -> Scoring:
    """The scorer of a folder or the hub, or the model of a YAML file.

    Raises:
        InputError: there is none, or it is none that scores.
    """
    from guerdon.interfaces.preparing import built
    from guerdon.interfaces.scorers import scorer_of

    if Path(source).suffix in YAML:
        from guerdon.interfaces.configuration import read

        spec = read(source, overrides).model
        if getattr(spec, "head", None) is not None and getattr(spec, "trained", "") is None:
            raise InputError(f"{source}: the model's head would be drawn at random; name the folder of a trained one in model.trained")
    else:
        spec = scorer_of(source, device, dtype, steps=settings.steps is not None)
    return Scoring(built(spec, 0), settings)


def _tokens_of(model: Any) -> int:
    """How many tokens the model has an embedding for."""
    config = getattr(getattr(getattr(model, "policy", model), "module", None), "config", None)
    return getattr(config.get_text_config(), "vocab_size", len(model.tokenizer)) if config is not None else len(model.tokenizer)


def _finite(value: Any) -> bool:
    return all(map(_finite, value)) if isinstance(value, list) else math.isfinite(value)
