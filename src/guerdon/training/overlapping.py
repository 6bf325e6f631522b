"""Overlapping: rewards run while sampling goes on.

As soon as a sequence has ended, its judging begins, in other processes or on an event loop, while the sampler goes on with the rest. Nothing about
sampling changes, so that rollouts are the same to the bit; and a reward is called on no less than it reads (``guerdon.feedback.arriving``), so that
verdicts are the same too, whether or not they began early.

Beginning early is not free: threads take turns with the sampler, about half a millisecond for each completion. So it is done where the rewards of
the batch before took a tenth of the sampler's time or more, and in the first batch, in which helper processes start.
"""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from guerdon.acting.samplers import Sampler
from guerdon.feedback.combining import Combining
from guerdon.feedback.combining.weigh import Weigh
from guerdon.models import Model, Policy
from guerdon.parts import call, needs, wants
from guerdon.processes import Processes, here
from guerdon.sequences import Decoding, Sequences
from guerdon.training.conversing import Conversing
from guerdon.training.episodes import Interacting
from guerdon.training.judging import Begun, Judged, Row, Scene
from guerdon.training.spreading import judged, own_prompts, spread
from guerdon.training.telling import told_contexts

_WORTHWHILE = 0.1  # what rewards take of the sampler's time


class Overlapping:
    """Samples and has the rollouts judged in ``scene``. ``combine``: components → the reward that a sampler is told of an answer on which it goes on."""

    def __init__(self, scene: Scene, combine: Combining = Weigh()) -> None:
        self.scene, self.combine = scene, combine
        self.worthwhile = True  # only when a reward is called depends on it, never what comes of it

    def __call__(
        self,
        sampler: Sampler,
        policy: Policy,
        contexts: Sequence[Tensor],
        decoding: Decoding,
        rows: Sequence[Row],
        seeds: tuple[int, int],
        views: Mapping[str, Model] | None = None,
        dealt: Mapping[str, Tensor] | None = None,
        processes: Processes | None = None,
    ) -> tuple[Sequences, Judged, dict[str, float]]:
        """Rollouts, the verdicts on them, whose failures are not yet counted, and seconds: of ``sampling``; of waiting for ``rewards`` after it; and of
        sampling while rewards ran, ``rewards_hidden``.

        Args:
            seeds: for the sampler, and for whatever is random in the verdicts.
            views: the bound models, for a sampler in which others act as well.
            dealt: what the sampler is told of each prompt: ``counts`` where there is an allocation, ``shares`` where there are starts.
            processes: those that share in it; all that there are, unless ``ALONE`` says that this one draws for the others, in whichever thread.
        """
        processes = here() if processes is None else processes
        together = not processes.several or getattr(self.scene, "by_prompt", False)  # else the first one judges all, and nothing is begun
        begun = self._begin(sampler, [rows[i] for i in own_prompts(len(rows), processes)], seeds[1]) if together else None
        told: dict[str, Any] = {"finished": begun.finished} if begun is not None else {}
        if "views" in wants(sampler):
            told["views"] = views or {}
        told |= dealt or {}
        if "given" in needs(sampler):
            told["given"] = partial(self.scene.given, rows)
        if "told" in needs(sampler):
            told["told"] = partial(told_contexts, self.scene, rows)
        if "score" in needs(sampler) | wants(sampler):
            told["score"] = partial(self._score, rows, seeds[1], processes)
        if "score_prefix" in needs(sampler):
            told["score_prefix"] = partial(self._score_prefix, sampler.reward, rows, seeds[1], processes)
        talk: Conversing | Interacting | None = None
        if "conversation" in needs(sampler):
            told["conversation"] = talk = Conversing(self.scene, rows, seeds[1], self.combine, sampler.attempts, processes)
        if "episodes" in needs(sampler):
            told["episodes"] = talk = Interacting(self.scene, rows, processes)
        start = time.perf_counter()
        try:
            rollouts = sampler(spread(policy, processes), contexts, decoding, seeds[0], **told)
            drawn, hidden = time.perf_counter(), begun.seconds if begun is not None else 0.0
            whole = talk is None or getattr(sampler, "apart", False)
            verdicts = judged(self.scene, rollouts, rows, seeds[1], begun, processes) if whole else talk.judged(rollouts)
        except BaseException:
            if begun is not None:
                self.scene.close()  # what was begun is of no use any more
            raise
        seconds = {"sampling": drawn - start, "rewards": time.perf_counter() - drawn, "rewards_hidden": hidden}
        self.worthwhile = seconds["rewards"] + hidden >= _WORTHWHILE * seconds["sampling"]
        return rollouts, verdicts, seconds

    def _score(self, rows: Sequence[Row], seed: int, processes: Processes, sequences: Sequences) -> Tensor:
        """The reward of each, NaN where it has none; what is judged again later gets the same verdict, where that is not left to chance."""
        scored = judged(self.scene, sequences, rows, seed, processes=processes).scored
        return torch.where(scored.invalid, torch.nan, call(self.combine, {"components": scored.components}))

    def _score_prefix(self, reward: Any, rows: Sequence[Row], seed: int, processes: Processes, sequences: Sequences) -> Tensor:
        """What ``reward``, or without one the rewards of the run, say of beginnings; the first process asks for all."""
        if reward is None:
            return self._score(rows, seed, processes, sequences)
        return processes.from_first(lambda: self.scene.worth(reward, sequences, rows), "scoring beginnings")

    def _begin(self, sampler: Sampler, rows: Sequence[Row], seed: int) -> Begun | None:
        begin = getattr(self.scene, "begin", None)
        return begin(rows, seed) if begin is not None and self.worthwhile and "finished" in wants(sampler) else None
