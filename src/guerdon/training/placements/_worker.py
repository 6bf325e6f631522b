"""What runs elsewhere: a process that draws, and one that judges. Everything they say is a value or a sentence, so that nothing is lost on its way back."""

import contextlib
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from guerdon.errors import InputError, RunFailed


@dataclass(frozen=True)
class Said:
    """What came of something that a worker was asked for: a value, or why there is none.

    Attributes:
        kind: of error: ``input`` where the user can mend it, ``failed``; "" for none.
    """

    value: Any = None
    kind: str = ""
    sentence: str = ""

    def opened(self) -> Any:
        """The value.

        Raises:
            InputError, RunFailed: there is none.
        """
        if self.kind:
            raise (InputError if self.kind == "input" else RunFailed)(self.sentence)
        return self.value


def told(work: Callable[[], Any], who: str) -> Said:
    """What comes of ``work``."""
    try:
        return Said(work())
    except InputError as error:
        return Said(kind="input", sentence=str(error))
    except RunFailed as error:
        return Said(kind="failed", sentence=str(error))
    except Exception as error:
        return Said(kind="failed", sentence=f"{who} cannot go on: {type(error).__name__}: {error}")


def about() -> dict[str, str]:
    """The versions that two processes have to have in common to compute the same, and to understand each other."""
    import torch

    import guerdon
    from guerdon.training.stages import source_digest

    return {"Python": platform.python_version(), "torch": torch.__version__, "guerdon": f"{guerdon.__version__} ({source_digest()[:8]})"}


def alike(here: dict[str, str], there: dict[str, str], who: str) -> None:
    """See that two processes have the same versions.

    Raises:
        InputError: they have not.
    """
    other = [f"{name} {there.get(name, 'none')} and not {version}" for name, version in here.items() if there.get(name) != version]
    if other:
        raise InputError(
            f"placement: {who} on {platform.node()} has {', '.join(other)}, as the learner; install the same versions everywhere"
        )


@dataclass(frozen=True)
class Setting:
    """What a worker is told once.

    Attributes:
        about: the learner's versions.
        known: what it is made from, as a reference to something ``weights.Sent``.
        threads: of torch.
        folder, path: that relative paths are meant in, and where modules of the user's are found.
        device: that is computed on; "" where nothing is.
        fetch: reference → value.
    """

    about: dict[str, str]
    known: Any
    threads: int
    folder: str
    path: tuple[str, ...]
    device: str
    fetch: Callable[[Any], Any]


@dataclass(frozen=True)
class Version:
    """Weights as they were at one time: what is trained, as a reference, the fingerprint of all, and whether they are drawn with by deterministic kernels only."""

    number: int
    values: Any
    fingerprint: str
    deterministic: bool = False


class _Worker:
    """Is set up before it is asked for anything; what is wrong with that is said whenever it is."""

    who = "a worker"

    def __init__(self) -> None:
        self.setting: Said | None = None

    def begin(self, setting: Setting) -> Said:
        """Be what the setting says; returns the number of this process."""
        self.setting = told(partial(self._begin, setting), self.who)
        return self.setting

    def _begin(self, setting: Setting) -> int:
        import torch

        alike(setting.about, about(), self.who)
        torch.set_num_threads(setting.threads)
        with contextlib.suppress(OSError):  # another machine may not have it
            os.chdir(setting.folder)
        sys.path += [place for place in setting.path if place not in sys.path]
        self._be(setting)
        return os.getpid()

    def _be(self, setting: Setting) -> None:
        raise NotImplementedError

    def _do(self, work: Callable[[], Any]) -> Said:
        if self.setting is None or self.setting.kind:
            return self.setting or Said(kind="failed", sentence=f"{self.who} was asked before it was set up")
        return told(work, self.who)


class Drawer(_Worker):
    """Draws sequences with the weights that it is told, from a policy of its own."""

    who = "a rollout worker"

    def _be(self, setting: Setting) -> None:
        import torch

        from guerdon.training.placements._weights import Fingerprints, received

        self.fetch = setting.fetch
        self.policy, self.engine = received(self.fetch(setting.known))
        if hasattr(self.policy, "device"):
            self.policy.device = torch.device(setting.device)
            self.policy.module.to(self.policy.device)
        if hasattr(self.engine, "look"):
            self.engine.look()
        self.fingerprints, self.has = Fingerprints(), -1

    def draw(self, version: Version, own: bool, arguments: Sequence[Any]) -> Said:
        """``Policy.sample`` with these arguments and the weights of this version."""
        return self._do(partial(self._draw, version, own, arguments))

    def _draw(self, version: Version, own: bool, arguments: Sequence[Any]) -> Any:
        if version.number != self.has:
            self._take(version)
        draw = self.policy.sample if own or self.engine is None else partial(self.engine, self.policy)
        return draw(*arguments)

    def _take(self, version: Version) -> None:
        import torch

        from guerdon.training.placements._weights import take

        self.has = -1
        torch.use_deterministic_algorithms(version.deterministic)
        take(self.policy.module, self.fetch(version.values))
        if self.fingerprints.of(self.policy.module) != version.fingerprint:
            raise RunFailed(
                f"the weights of {self.who} on {platform.node()} are not the learner's after they were sent (version {version.number}): their fingerprints differ; the "
                "same command goes on from the last checkpoint"
            )
        self.has = version.number


class Judge(_Worker):
    """Finds verdicts in a scene of its own."""

    who = "a judge"

    def _be(self, setting: Setting) -> None:
        from guerdon.training.placements._weights import received

        self.scene = received(setting.fetch(setting.known))

    def judge(self, arguments: Sequence[Any]) -> Said:
        """``Scene.judge`` with these arguments. Who failed is counted by whoever asks."""
        quiet = {"watching": False} if hasattr(self.scene, "by_prompt") else {}
        return self._do(lambda: self.scene.judge(*arguments, **quiet))
