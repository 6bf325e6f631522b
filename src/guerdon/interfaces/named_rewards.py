"""Named rewards: what the argument of a command names, for whoever asks rewards about answers: ``attack``, ``steps``.

A folder (or hub id) is a trained model; ``http://...`` one that is served; ``file.py:function`` and ``module:function`` are functions in any of the usual signatures; a name, or
``{part: NAME, ...}``, is a reward of the library.
"""

import re
from pathlib import Path
from typing import Any

from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.feedback.intrinsic import is_intrinsic
from guerdon.feedback.rewards.remote_scorer import RemoteScorer
from guerdon.feedback.rewards.scorer import Scorer
from guerdon.interfaces.configuration import Rewards
from guerdon.interfaces.configuration._rooms import REWARDS, known
from guerdon.interfaces.configuration._sections import rewards
from guerdon.interfaces.configuration._yaml import parse
from guerdon.interfaces.scorers import for_nobody, scorer_of
from guerdon.parts import describe


def reward_of(said: str, place: str, device: str = "auto") -> Any:
    """The reward that a text names.

    Raises:
        InputError: there is none; the sentence begins with the place.
    """
    text = said.strip()
    if text.startswith("{"):
        return _one(parse(text, place), place)
    if re.match(r"https?://", text):
        return RemoteScorer(text)
    if Path(text).expanduser().exists() or text.startswith("package:"):
        return Scorer(for_nobody(scorer_of(text, device)))
    if ":" in text:
        from guerdon.feedback.loading import load

        try:
            load(text)
        except InputError as error:
            raise InputError(f"{place}: {error}") from error
        return text
    if text in known(REWARDS):
        return _one(text, place)
    if "/" not in text:
        raise InputError(
            f"{place}: there is no folder {said!r}, and it is no reward of the library: {unknown('reward', text, known(('feedback.rewards',)))}; "
            "file.py:function names one of your own"
        )
    return Scorer(for_nobody(scorer_of(text, device)))


def _one(said: Any, place: str) -> Any:
    found = list(rewards(said, place, Rewards()).functions.values())
    if len(found) != 1:
        raise InputError(
            f"{place}: one reward is expected, such as {{part: length, max_length: 100, cache: 50, unit: characters}}, not {len(found)}"
        )
    if is_intrinsic(found[0]):
        raise InputError(
            f"{place}: {describe(found[0])} is what a policy makes of its own samples, and says nothing of texts; give a reward that reads answers"
        )
    return found[0]
