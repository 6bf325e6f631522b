"""Hinted: some of a prompt's answers are drawn with a hint in the prompt: a lesson, a plan, the beginning of a solution.

    hinted prompt = ``template`` with {prompt} and {hint}, the first ``amount`` of what the row has in ``column`` (words of a text, items of a list)

P prompts → ``num_generations`` * P sequences, those of one prompt next to each other; the last ``share`` of them are hinted, as ``hinted`` records. ``when``: "always", or
"failed": those of a prompt whose answers without a hint all fall short of ``threshold`` are drawn anew with one; their first answers are dropped, and have been judged for it.
``shares`` [P], where the recipe's ``starts`` give them, are the amounts of each prompt; 0 is no hint. ``share`` and ``amount`` may be schedules. All are one group, whose
rewards are compared.

``learned`` says what a hinted answer is learned as an answer to, and ``corrected`` what is recorded as ``old_logp``:

    "with"                      the hinted prompt, as it was drawn: on-policy
    "without", corrected        the plain prompt; ``old_logp`` is that of the draw, so that surrogates with a ratio correct for the hint: its weight is
                                pi(answer | prompt) / pi(answer | hinted prompt), small where the answer was unlikely without it
    "without", not corrected    the plain prompt; ``old_logp`` is what the policy says of the answer without the hint: taken as its own, which is biased and keeps
                                what is unlikely

Source: QuestA, arXiv 2507.13266 (partial solutions in the prompt, learned with them); Scaf-GRPO, arXiv 2510.19807 (hints in tiers, for groups that failed); GHPO, arXiv 2507.10628
(the group drawn anew in the same step). The words of ``template`` are ours.
Differs from FromPrefix: the hint is read, and stands in no answer. Differs from Group: not all answers of a prompt are to the same question.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Tensor

from guerdon.acting.engines import Engine
from guerdon.acting.samplers import Score
from guerdon.acting.samplers._saying import said_of
from guerdon.acting.samplers.group import Group
from guerdon.errors import InputError
from guerdon.models import Policy
from guerdon.models.finite._scripted import Scripted
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Sequences, concatenate
from guerdon.thresholds import reaches
from guerdon.witness import Witness

Told = Callable[[str, str, Tensor], list[Tensor]]  # template, column and amounts [P] → the prompts with their hints


@dataclass(frozen=True)
class Hinted:
    records: ClassVar[frozenset[str]] = frozenset({"hinted"})
    looks: ClassVar[bool] = True

    num_generations: int = 8
    column: str = "hint"
    template: str = "{prompt}\n\nHint: {hint}"
    share: float = 0.5
    amount: float = 1.0
    when: Literal["always", "failed"] = "always"
    threshold: float = 1.0
    learned: Literal["with", "without"] = "without"
    corrected: bool = True
    engine: Engine | None = None

    def __call__(
        self,
        policy: Policy,
        contexts: Sequence[Tensor],
        decoding: Decoding,
        seed: int,
        told: Told,
        score: Score | None = None,
        shares: Tensor | None = None,
    ) -> Sequences:
        for name in ("share", "amount"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"sampler: {name} is {getattr(self, name):g}; it is between 0 and 1")
        if self.when == "failed" and score is None:
            raise InputError("sampler: whether answers failed is not known before all are drawn here; set when to always")
        amount = torch.full((len(contexts),), float(self.amount), dtype=torch.float64) if shares is None else shares.double()
        asked = [*contexts, *told(self.template, self.column, amount)]
        draw = policy.sample if self.engine is None else partial(self.engine, policy)
        prompt = torch.arange(len(contexts)).repeat_interleave(self.num_generations)
        place = torch.arange(self.num_generations).repeat(len(contexts))
        hinted = (place >= self.num_generations - round(self.share * self.num_generations)) & (amount > 0)[prompt]
        uniforms = torch.rand(len(prompt), decoding.max_completion_length, generator=generator(seed, "sample"))
        first = torch.zeros_like(hinted) if self.when == "failed" else hinted
        drawn = draw(asked, prompt + len(contexts) * first, decoding, uniforms)
        if self.when == "failed":
            right = reaches(score(replace(drawn, contexts=list(contexts))), self.threshold)
            solved = torch.zeros(len(contexts), dtype=torch.long).index_add(0, prompt, right.long()) > 0
            hinted = hinted & ~solved[prompt]
            drawn = self._anew(drawn, draw, asked, prompt, hinted, decoding, seed)
        drawn = replace(drawn, contexts=list(contexts) if self.learned == "without" else asked, context=prompt)
        if self.learned == "without" and not self.corrected and hinted.any():
            said = said_of(policy, drawn.select(hinted)).to(drawn.quantities["old_logp"])
            logp = drawn.quantities["old_logp"].clone()
            logp[hinted.nonzero().squeeze(-1), : said.shape[1]] = said
            drawn = drawn.with_quantities(old_logp=torch.where(drawn.mask, logp, torch.zeros_like(logp)))
        return drawn.with_quantities(hinted=hinted.double())

    @staticmethod
    def _anew(
        drawn: Sequences, draw: Callable[..., Sequences], asked: list[Tensor], prompt: Tensor, hinted: Tensor, decoding: Decoding, seed: int
    ) -> Sequences:
        """The sequences, with the hinted ones drawn again."""
        rows = hinted.nonzero().squeeze(-1)
        if not len(rows):
            return drawn
        uniforms = torch.rand(len(prompt), decoding.max_completion_length, generator=generator(seed, "hinted"))[rows]
        again = draw(asked, prompt[rows] + len(asked) // 2, decoding, uniforms)
        order = torch.arange(len(prompt))
        order[rows] = len(prompt) + torch.arange(len(rows))
        both = concatenate([drawn, again])
        return replace(both.select(order), contexts=asked, context=prompt)


def _hints(template: str, column: str, amount: Tensor) -> list[Tensor]:
    """A second number in the prompt is the hint."""
    return [torch.tensor([place, 9]) if share > 0 else torch.tensor([place]) for place, share in enumerate(amount.tolist())]


_given = {  # the first prompt is answered by 1 and 2 in turn, the second by 3; with a hint by 7, and 8
    "policy": Scripted((((1,), (2,)), ((3,),)), continued=(((7,),), ((8, 8),))),
    "contexts": [torch.tensor([0]), torch.tensor([1])],
    "decoding": Decoding(max_completion_length=2),
    "seed": 0,
    "told": _hints,
}


def _two_is_right(sequences: Sequences) -> Tensor:
    return (sequences.actions[:, 0] == 2).double()


witness = (
    Witness(
        Hinted(2),
        parent=Group(2),
        given=_given,
        returns={"context": [0, 0, 1, 1], "actions": [[1, 0], [7, 0], [3, 0], [8, 8]], "hinted": [0.0, 1.0, 0.0, 1.0]},
    ),
    Witness(
        Hinted(2, when="failed", share=1.0),
        parent=Hinted(2, share=1.0),
        given={**_given, "score": _two_is_right},
        returns={"actions": [[1, 0], [2, 0], [8, 8], [8, 8]], "hinted": [0.0, 0.0, 1.0, 1.0]},
    ),
    Witness(
        Hinted(2),
        given={**_given, "shares": torch.tensor([0.0, 0.5])},
        returns={"actions": [[1, 0], [2, 0], [3, 0], [8, 8]], "hinted": [0.0, 0.0, 0.0, 1.0]},
    ),
)
