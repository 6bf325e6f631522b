"""Overlapping: rewards run while sampling goes on.

As soon as a sequence has ended, its judging begins, in other processes or on an event loop, while the sampler goes on with the rest. Nothing about
sampling changes, so that rollouts are the same to the bit; and a reward is called on no less than it reads (``guerdon.feedback.arriving``), so that
verdicts are the same too.
"""

import time
from collections.abc import Sequence

from torch import Tensor

from guerdon.acting.samplers import Sampler
from guerdon.models import Policy
from guerdon.parts import wants
from guerdon.sequences import Decoding, Sequences
from guerdon.training.judging import Judged, Row, Scene


def sample_and_judge(
    sampler: Sampler,
    policy: Policy,
    contexts: Sequence[Tensor],
    decoding: Decoding,
    scene: Scene,
    rows: Sequence[Row],
    seeds: tuple[int, int],
) -> tuple[Sequences, Judged, dict[str, float]]:
    """Rollouts, the verdicts on them, and seconds: of ``sampling``; of waiting for ``rewards`` after it; and of sampling while rewards ran,
    ``rewards_hidden``.

    Args:
        seeds: for the sampler, and for whatever is random in the verdicts.
    """
    begin = getattr(scene, "begin", None) if "finished" in wants(sampler) else None
    begun = begin(rows, seeds[1]) if begin is not None else None
    start = time.perf_counter()
    try:
        rollouts = sampler(policy, contexts, decoding, seeds[0], **({"finished": begun.finished} if begun is not None else {}))
        drawn, hidden = time.perf_counter(), begun.seconds if begun is not None else 0.0
        judged = scene.judge(rollouts, rows, seeds[1], **({"begun": begun} if begun is not None else {}))
    except BaseException:
        if begun is not None:
            scene.close()  # what was begun is of no use any more
        raise
    return rollouts, judged, {"sampling": drawn - start, "rewards": time.perf_counter() - drawn, "rewards_hidden": hidden}
