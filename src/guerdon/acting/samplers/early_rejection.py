"""Early rejection: give up a way to go on after its first tokens.

    each of the ``width`` beginnings goes on in ``expansions`` ways; of each way ``tokens`` tokens are drawn (or the whole step, if it is no longer) and scored
    the ``width`` best of all are drawn to the end of their step, and go on

What has ended is scored whole; of the others only the first tokens of a step are shown to the scorer, so that both fewer tokens are drawn and fewer are scored. The rest is as in
StepBeam.

Source: Accelerating LLM Reasoning via Early Rejection with Partial Reward Modeling, arXiv 2508.01969, and its authors' code, ``partial_beam_search.py``: N is ``width`` *
``expansions``, M ``expansions`` and tau ``tokens``; ``tokens`` 64: its default. There the first step is drawn M times, and an answer that has ended keeps its beginning's score.
Differs from StepBeam: most of the steps that it would have scored are never drawn to their end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.acting.engines import Engine
from guerdon.acting.samplers import Score
from guerdon.acting.samplers._walking import Beginning, Pace, Walk, best, distinct, filled, ways
from guerdon.acting.samplers.step_beam import StepBeam
from guerdon.credit.segments import Segmenting
from guerdon.credit.segments.after_text import AfterText
from guerdon.credit.segments.every_n import EveryN
from guerdon.errors import InputError
from guerdon.feedback.rewards import Reward
from guerdon.models import Policy
from guerdon.models.finite._scripted import Scripted
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Sequences
from guerdon.witness import Witness


@dataclass(frozen=True)
class EarlyRejection:
    records: ClassVar[frozenset[str]] = frozenset({"score", "drawn_tokens", "scored_tokens"})
    looks: ClassVar[bool] = True

    num_generations: int = 1
    width: int = 4
    expansions: int = 4
    tokens: int = 64
    steps: Segmenting = AfterText()
    reward: Reward | None = None
    at_once: int = 16
    engine: Engine | None = None

    def __post_init__(self) -> None:
        if min(self.expansions, self.tokens) < 1 or not 1 <= self.num_generations <= self.width:
            raise InputError(
                f"sampler: early rejection takes expansions and tokens of 1 or more, and gives out 1 to width answers, not {self}"
            )
        Pace(self.steps, self.at_once, self.engine)

    def __call__(self, policy: Policy, contexts: Sequence[Tensor], decoding: Decoding, seed: int, score_prefix: Score) -> Sequences:
        walk = Walk(policy, contexts, decoding, Pace(self.steps, self.at_once, self.engine), score_prefix)
        beams: list[list[Beginning]] = [[Beginning(p)] for p in range(len(contexts))]
        depth = 0
        while any(not one.ended for beam in beams for one in beam):
            numbers = torch.rand(len(contexts), self.width * self.expansions, walk.longest, generator=generator(seed, "step", depth))
            parents, rows = ways(beams, self.width, self.expansions, numbers)
            begun = walk.grown(parents, rows, tokens=self.tokens)
            own = {
                (one.prompt, one.actions): row for one, row in zip(reversed(begun), reversed(rows), strict=True)
            }  # a step goes on with its numbers
            pool = [one for beam in beams for one in beam if one.ended] + walk.scored(distinct(begun))
            kept = [one for p in range(len(contexts)) for one in best([one for one in pool if one.prompt == p], self.width)]
            going = [one for one in kept if not one.ended and not one.whole]
            grown = walk.grown(going, torch.stack([own[one.prompt, one.actions] for one in going])) if going else []
            done = walk.scored([one for one in grown if one.ended])
            after = [one for one in kept if one.ended or one.whole] + [one for one in grown if not one.ended] + done
            beams = [[one for one in after if one.prompt == p] for p in range(len(contexts))]
            depth += 1
        beams = [best(beam, self.width) for beam in beams]
        return walk.answers([one for beam in beams for one in filled(beam, self.num_generations)])


def _first(sequences: Sequences) -> Tensor:
    """What was said first."""
    return sequences.actions[:, 0].double()


witness = (
    Witness(  # steps of 3; after 1 token 2 is kept, which goes on with 3 3
        EarlyRejection(width=1, expansions=2, tokens=1, steps=EveryN(3)),
        parent=StepBeam(width=1, expansions=2, steps=EveryN(3)),
        given={
            "policy": Scripted((((1,), (2,)),), continued=(((3, 3),),), end=0),
            "contexts": [torch.tensor([0])],
            "decoding": Decoding(max_completion_length=3),
            "seed": 0,
            "score_prefix": _first,
        },
        returns={"context": [0], "actions": [[2, 3, 3]], "score": [2.0], "drawn_tokens": [1 + 1 + 2], "scored_tokens": [1 + 1 + 3]},
    ),
)
