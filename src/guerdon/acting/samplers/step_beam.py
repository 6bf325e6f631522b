"""Step beam: of many ways to go on, keep those whose beginnings are scored best, step by step.

    each of the ``width`` beginnings that are kept goes on in ``expansions`` ways, drawn from the policy, until its step ends; the ``width`` best of all stay
    score of a beginning = score_prefix(beginning + ``lookahead`` more steps at temperature 0)

P prompts → ``num_generations`` * P sequences, the best that were found, those of one prompt next to each other. The first step is drawn ``width`` * ``expansions`` times from
the prompt. What has ended keeps its place as long as its score does; the search is over when all that are kept have ended, or at ``max_completion_length``. Ways that say the same
are one. Where ``width`` is more than is left of them, all stay.

``reward`` (``feedback.rewards``) says what a beginning is worth, such as {part: step_scorer, scorer: {part: step_scorer, source: FOLDER}}; without one the rewards of the run do.
``steps`` (``credit.segments``) says where a step ends. ``old_logp`` stays that of the policy. Recorded are ``score`` and what it cost:

    drawn_tokens [B]     tokens that the policy drew for the prompt, those included that were dropped or looked ahead, over the number of its sequences
    scored_tokens [B]    tokens of beginnings that the scorer was shown, each time from the first one on

Source: Scaling LLM Test-Time Compute Optimally, arXiv 2408.03314, section 5.2 (beam search against a process reward model, lookahead); the code of huggingface/search-and-learn,
``beam_search.py``: N is ``width`` * ``expansions``, ``beam_width`` is ``expansions``. There what has ended is set aside, and the beam goes on with the others. ``width`` 4 and
``expansions`` 4: its ``n`` 16, ``beam_width`` 4.
Differs from Beam: a scorer decides and not the likelihood, over steps that are drawn. Differs from BestOfN: what does not look well is given up on the way.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.acting.engines import Engine
from guerdon.acting.samplers import Score
from guerdon.acting.samplers._walking import Beginning, Pace, Walk, best, distinct, filled, ways
from guerdon.acting.samplers.best_of_n import _sum
from guerdon.credit.segments import Segmenting
from guerdon.credit.segments.after_text import AfterText
from guerdon.credit.segments.every_n import EveryN
from guerdon.errors import InputError
from guerdon.feedback.rewards import Reward
from guerdon.models import Policy
from guerdon.models.finite._scripted import Scripted
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Sequences
from guerdon.witness import Witness


@dataclass(frozen=True)
class StepBeam:
    records: ClassVar[frozenset[str]] = frozenset({"score", "drawn_tokens", "scored_tokens"})
    looks: ClassVar[bool] = True

    num_generations: int = 1
    width: int = 4
    expansions: int = 4
    lookahead: int = 0
    steps: Segmenting = AfterText()
    reward: Reward | None = None
    at_once: int = 16
    engine: Engine | None = None

    def __post_init__(self) -> None:
        if min(self.width, self.expansions) < 1 or self.lookahead < 0 or not 1 <= self.num_generations <= self.width:
            raise InputError(
                f"sampler: a beam of steps takes width and expansions of 1 or more, lookahead of 0 or more, and gives out 1 to width answers, not {self}"
            )
        Pace(self.steps, self.at_once, self.engine)

    def __call__(self, policy: Policy, contexts: Sequence[Tensor], decoding: Decoding, seed: int, score_prefix: Score) -> Sequences:
        walk = Walk(policy, contexts, decoding, Pace(self.steps, self.at_once, self.engine), score_prefix)
        beams: list[list[Beginning]] = [[Beginning(p)] for p in range(len(contexts))]
        depth = 0
        while any(not one.ended for beam in beams for one in beam):
            numbers = torch.rand(len(contexts), self.width * self.expansions, walk.longest, generator=generator(seed, "step", depth))
            parents, rows = ways(beams, self.width, self.expansions, numbers)
            grown = distinct(walk.grown(parents, rows))
            pool = [one for beam in beams for one in beam if one.ended] + self._scored(walk, grown)
            beams = [best([one for one in pool if one.prompt == p], self.width) for p in range(len(contexts))]
            depth += 1
        return walk.answers([one for beam in beams for one in filled(beam, self.num_generations)])

    def _scored(self, walk: Walk, some: list[Beginning]) -> list[Beginning]:
        if not self.lookahead:
            return walk.scored(some)
        none = torch.zeros(len(some), walk.longest)
        ahead = walk.scored(walk.grown(some, none, steps=self.lookahead, greedy=True))
        return [replace(one, score=then.score) for one, then in zip(some, ahead, strict=True)]


_asked = {"contexts": [torch.tensor([0])], "decoding": Decoding(max_completion_length=3), "seed": 0, "score_prefix": _sum}
_given = {**_asked, "policy": Scripted((((1,), (2,)),), continued=(((3,), (0,)),), end=0)}  # 1 or 2 first, then 3 or the end
_sure = torch.tensor([[[0.5, 0.5, 0, 0], [0, 0, 0, 1.0], [1.0, 0, 0, 0], *[[0.25] * 4] * 2]], dtype=torch.float64)
_late = {**_asked, "policy": TablePolicy(PrefixTree(4, 2), _sure.log())}  # 0 or 1 first: after 0 comes 3, after 1 comes 0
witness = (
    Witness(  # 1 is given up after the first step; of 2 3 and 2 0 the one goes on
        StepBeam(width=1, expansions=2, steps=EveryN(1)),
        parent=StepBeam(width=1, expansions=1, steps=EveryN(1)),
        given=_given,
        returns={"context": [0], "actions": [[2, 3, 3]], "score": [8.0], "drawn_tokens": [6.0], "scored_tokens": [2 + 4 + 6]},
    ),
    Witness(
        StepBeam(width=1, expansions=8, lookahead=1, steps=EveryN(1)),
        parent=StepBeam(width=1, expansions=8, steps=EveryN(1)),
        given=_late,
        returns={"actions": [[0, 3]], "score": [3.0]},
    ),
)
