"""Judging elsewhere: a scene whose verdicts are found by workers, prompt by prompt where no more is read, else the whole batch by one."""

from collections.abc import Sequence
from typing import Any

import torch

from guerdon.sequences import Sequences
from guerdon.training.judging import Judged, Row, Scene
from guerdon.training.placements._pool import Pool
from guerdon.training.spreading import whole_of

PIECES = 4  # for each worker, so that none waits long for the last


class JudgedAside:
    """A scene whose verdicts a pool finds. In everything else it is the scene."""

    def __init__(self, scene: Scene, pool: Pool):
        self._scene, self._pool = scene, pool

    def __getattr__(self, name: str) -> Any:
        return getattr(self._scene, name)

    @property
    def truncated(self) -> int:
        return self._scene.truncated

    def judge(self, rollouts: Sequences, rows: Sequence[Row], seed: int, begun: None = None, watching: bool = True) -> Judged:
        """See ``Scene.judge``."""
        prompts = torch.unique(rollouts.context)
        apart = getattr(self._scene, "by_prompt", False) and len(prompts)
        if not apart:
            (found,) = self._pool.each("judge", [((rollouts, list(rows), seed),)])
        else:
            pieces = prompts.split(-(-len(prompts) // (PIECES * self._pool.count)))
            which = [torch.isin(rollouts.context, some).nonzero().squeeze(-1) for some in pieces]
            asked = [((rollouts.select(own), [rows[i] for i in some.tolist()], seed),) for own, some in zip(which, pieces, strict=True)]
            found = whole_of(len(rollouts), list(zip(which, self._pool.each("judge", asked), strict=True)))
        if watching and hasattr(self._scene, "watch"):
            self._scene.watch(found)
        return found

    def begin(self, rows: Sequence[Row], seed: int) -> None:
        """Nothing is begun early: the learner's process has no hand in it."""
        return None
