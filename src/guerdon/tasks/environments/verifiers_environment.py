"""Verifiers environment: an environment of the library verifiers (SingleTurnEnv, MultiTurnEnv, ToolEnv, StatefulToolEnv), unchanged, with its rubric.

The environment's own rollout runs, with a client in the place of a served model: where it asks the model, it waits for the policy's turn. So its state, stop conditions, tools
and setup are its own. What it adds to the conversation before it asks again is what the policy is told; at its end the rubric's score is the reward, and its metrics are figures.
A conversation that it writes anew, in the place of going on with it, is refused: what was said stays said here. Where turns are over or the context is full, the rollout is ended
as by a prompt that is too long, and scored.

A turn with a call that cannot be read does not reach the environment: the policy is told what is wrong with it. Rubrics that compare the completions of a group have nothing to
compare: the episode stands alone.

``source`` is the name that ``vf.load_environment`` knows, or where a function is that makes one ("mine.py:load_environment"), or that function; ``arguments`` are those that
it is made with. Its rows are those of its dataset. It is made once in a process; episodes run beside each other in it. ``seconds`` are how long it may work on a turn.

Source: verifiers 0.1.14 (``MultiTurnEnv.rollout``, ``Rubric.score_rollout``, ``clients.Client``); tried with 0.1.14. The package is not an extra of ours: from 0.4 on it holds no
such environments.
"""

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from guerdon.errors import InputError
from guerdon.tasks.environments import Row
from guerdon.tasks.environments._adapting import made
from guerdon.tasks.environments._verifying import Running


@dataclass(frozen=True)
class VerifiersEnvironment:
    source: Callable[..., Any] | str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 60.0

    def build(self) -> Running:
        return Running(self._inner(), self.seconds)

    def rows(self, count: int, seed: int) -> list[Row]:
        """Rows of the environment's dataset, in the order of the seed."""
        found = self._inner().get_dataset(n=count, seed=seed)
        return [dict(row) for row in found]

    def _inner(self) -> Any:
        if hasattr(self.source, "rollout"):
            return self.source
        key = self.source, json.dumps(self.arguments, sort_keys=True, default=repr)
        if key not in _kept:
            _kept[key] = _made(self.source, self.arguments)
        return _kept[key]


_kept: dict[tuple[Any, str], Any] = {}  # of this process


def _made(environment: Any, arguments: Mapping[str, Any]) -> Any:
    library = _library()
    if not isinstance(environment, str) or ":" in environment:
        found = made(environment, arguments)
    else:
        try:
            found = library.load_environment(environment, **arguments)
        except (ImportError, AttributeError, ValueError, RuntimeError) as error:
            raise InputError(
                f"verifiers loads no environment {environment!r}: {error}; install it, or give 'file.py:load_environment'"
            ) from error
    if not hasattr(found, "rollout"):
        raise InputError(f"{str(environment)[:60]} made a {type(found).__name__}, which is no environment of verifiers")
    return found


def _library() -> Any:
    try:
        import verifiers
    except ImportError as error:
        raise InputError("environments of verifiers need that package: pip install 'verifiers<0.4'") from error
    with contextlib.suppress(AttributeError, ImportError):
        verifiers.MultiTurnEnv  # noqa: B018
        return verifiers
    version = getattr(verifiers, "__version__", "")
    raise InputError(f"verifiers {version} holds no environments of many turns (MultiTurnEnv); pip install 'verifiers<0.4'")
