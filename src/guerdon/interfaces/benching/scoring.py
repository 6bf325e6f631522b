"""What a trained scorer says of answers, each on its own, and of the steps of solutions."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from guerdon.errors import InputError
from guerdon.interfaces.scorers import for_nobody, scorer_of
from guerdon.sequences import Example, Sequences, Side, collate
from guerdon.tasks.encoding import TooLong, template_variables
from guerdon.tasks.rows import at_row
from guerdon.training.measuring import measured

AT_ONCE, TOKENS = 64, 4096
TOO_LONG = "longer than the model has room for"


class Scoring:
    """A running model that is asked what it says of texts.

    Attributes:
        steps: it is asked of the steps of solutions, and not of whole answers.
        skip_long: what does not fit is not scored (None), and not refused.
    """

    def __init__(self, source: str, device: str, steps: bool, skip_long: bool, quiet: bool = False):
        from guerdon.interfaces.preparing import built
        from guerdon.training.jobs import encoder_for

        self.model = built(for_nobody(scorer_of(source, device, steps=steps)), 0)
        self.encoder = encoder_for(self.model)
        self.skip_long, self.quiet = skip_long, quiet

    @property
    def chats(self) -> bool:
        """Whether the model's tokenizer writes conversations."""
        return bool(getattr(self.model.tokenizer, "chat_template", None))

    def sides(self, row: Mapping[str, Any], prompt: Any, answers: Sequence[Any], number: int, where: str) -> list[Side] | None:
        """The tokens of answers to a prompt; None: they do not fit, and may be left out.

        Raises:
            InputError: they cannot be written or do not fit; the sentence names the row.
        """
        with named(number, where):
            try:
                return list(self.encoder.encode_sides(prompt, *answers, **template_variables(row)))
            except TooLong as error:
                if not self.skip_long:
                    raise InputError(f"{error}; --skip-long leaves out such rows") from error
                return None

    def sides_of_edited(self, row: Mapping[str, Any], prompt: Any, answer: Any) -> Side | None:
        """The tokens of an answer that was edited; None: it does not fit any more, or the template or the tokenizer cannot write it."""
        try:
            return self.encoder.encode_pair(prompt, answer, **template_variables(row))
        except InputError:
            return None

    def scores(self, sides: Sequence[Side], doing: str = "scoring") -> np.ndarray:
        """[number of sides]."""
        return scored(self.model, sides, doing, self.quiet)

    def step_probabilities(self, row: Mapping[str, Any], number: int, where: str) -> list[float] | None:
        """Of each step of a solution how likely it is right; None: it does not fit, and may be left out."""
        from guerdon.data.formats.stepwise import Stepwise

        with named(number, where):
            try:
                side = Stepwise()(row, self.encoder).sides[""]
            except TooLong as error:
                if not self.skip_long:
                    raise InputError(f"{error}; --skip-long leaves out such rows") from error
                return None
        return scored_steps(self.model, [side], quiet=True)[0]


def named(number: int, where: str) -> Any:
    """The row in errors; below 0 it was made of several, and none is named."""
    return at_row(number, where) if number >= 0 else contextlib.nullcontext()


def scored(model: Any, sides: Sequence[Side], doing: str = "scoring", quiet: bool = False) -> np.ndarray:
    """[number of sides], with progress on standard error."""
    found = [said["score"].double().numpy() for said, _ in _measured(model, sides, "score", doing, quiet)]
    return np.concatenate(found) if found else np.zeros(0)


def scored_steps(model: Any, sides: Sequence[Side], doing: str = "scoring steps", quiet: bool = False) -> list[list[float]]:
    """Of each side how likely each of its steps is right, with progress on standard error."""
    return [
        own[mask].tolist()
        for said, sequences in _measured(model, sides, "step_score", doing, quiet)
        for own, mask in zip(said["step_score"].double().sigmoid(), sequences.mask, strict=True)
    ]


def _measured(model: Any, sides: Sequence[Side], name: str, doing: str, quiet: bool) -> Iterator[tuple[dict[str, Any], Sequences]]:
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True, quiet=quiet)
    for first in track(range(0, len(sides), AT_ONCE), doing, console=console, transient=True):
        batch = collate([Example({"": side}) for side in sides[first : first + AT_ONCE]]).sides[""]
        yield measured(model, batch, {name}, TOKENS), batch
