"""Judging: a reward, whatever it is, asked what answers are worth."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from guerdon.errors import InputError
from guerdon.feedback.rewards.scorer import Scorer, running
from guerdon.interfaces.attacking.keeping import Kept, key_of, shown
from guerdon.interfaces.benching.scoring import scored
from guerdon.interfaces.named_rewards import reward_of
from guerdon.interfaces.preparing import quiet
from guerdon.parts import describe
from guerdon.sequences import Side
from guerdon.tasks.encoding import template_variables
from guerdon.tasks.messages import TEMPLATE_COLUMNS

AT_ONCE = 64
Question = tuple[Mapping[str, Any], Any, Any]  # the columns of a row, the prompt, an answer


class Judge:
    """A reward that is asked what answers are worth. A context manager.

    Attributes:
        called: as the user named it.
        reward: what a run learns from.
        failures: why answers have no number, with how many.
    """

    def __init__(self, called: str, place: str, kept: Kept, device: str = "auto", silent: bool = False):
        from guerdon.training.sources import of_named

        quiet()
        self.called, self.place, self.kept, self.silent = called, place, kept, silent
        self.reward = reward_of(called, place, device)
        self.failures: Counter[str] = Counter()
        self._runner: Any = None
        self._made_of = [called if isinstance(self.reward, str) else describe(self.reward), of_named([self.reward])]

    def __enter__(self) -> "Judge":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._runner is not None:
            self._runner.close()

    @property
    def is_model(self) -> bool:
        return isinstance(self.reward, Scorer)

    @property
    def model(self) -> Any:
        """The running model, where it is one."""
        return running(self.reward, "score", "prompts, completions")

    @property
    def chats(self) -> bool:
        """Whether it is a model whose tokenizer writes conversations."""
        return self.is_model and bool(getattr(self.model.tokenizer, "chat_template", None))

    def scores(self, asked: Sequence[Question], doing: str) -> np.ndarray:
        """[number of questions]; NaN where there is no number. What was said of the same before is said again."""
        keys = [key_of(self._made_of, self._told(row), prompt, answer) for row, prompt, answer in asked]
        first = {key: i for i, key in reversed(list(enumerate(keys))) if key not in self.kept}
        self.kept.wanted(keys)
        new = sorted(first.values(), key=lambda i: len(str(asked[i][2])))  # those of one length together
        for start in shown(range(0, len(new), AT_ONCE), doing, self.silent):
            some = new[start : start + AT_ONCE]
            found = (self._of_model if self.is_model else self._of_function)([asked[i] for i in some])
            self.kept.put((keys[i], value if np.isfinite(value) else None) for i, value in zip(some, found, strict=True))
        return np.array([np.nan if self.kept[key] is None else self.kept[key] for key in keys])

    def _told(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """What of a row the reward can read besides prompt and answer."""
        return {name: value for name, value in row.items() if (name in TEMPLATE_COLUMNS) or not self.is_model}

    def _of_model(self, asked: Sequence[Question]) -> list[float]:
        from guerdon.training.jobs import encoder_for

        encoder = encoder_for(self.model)
        sides: dict[int, Side] = {}
        for i, (row, prompt, answer) in enumerate(asked):
            try:
                sides[i] = encoder.encode_pair(prompt, answer, **template_variables(row))
            except InputError as error:
                self.failures[str(error).partition(";")[0]] += 1
        found = [float("nan")] * len(asked)
        for i, value in zip(sides, scored(self.model, list(sides.values()), quiet=True), strict=True):
            found[i] = float(value)
        return found

    def _of_function(self, asked: Sequence[Question]) -> list[float]:
        from guerdon.feedback.running import RewardRunner
        from guerdon.tasks.rows import missing_column

        names = {name: None for row, _, _ in asked for name in row}
        if self._runner is None:
            self._runner = RewardRunner({"reward": self.reward}, failure_bound=1.0)
            for lacking in self._runner.missing(list(names)).values():
                raise InputError(
                    f"{self.place}: {self.called} reads the column {lacking[0]!r}, and the rows {missing_column(lacking[0], dict.fromkeys(names))}"
                )
        columns = {name: [row.get(name) for row, _, _ in asked] for name in names}
        verdicts = self._runner.score([prompt for _, prompt, _ in asked], [answer for _, _, answer in asked], columns)
        for error in verdicts.errors:
            if error is not None:
                self.failures[error.partition("\n")[0][:200]] += 1
        return verdicts.components["reward"].tolist()
