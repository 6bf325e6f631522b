"""Infilled: some steps of an answer that the data hold are blanked, and the policy says what stands there, at all of them at once.

    blanked_t ~ Bernoulli(share);   fed = the given answer with ``blank`` at the blanked steps
    drawn_t   ~ policy( | prompt, fed_<t) where blanked, the given step elsewhere

One pass over ``fed`` tells the distributions at all steps, and of them ``num_generations`` answers are drawn for each prompt, with the same blanks. Only blanked steps have a
``mask``, so that nothing is learned of the others; what the policy reads when it is measured is ``fed``, as it was when they were drawn. What is rewarded is the answer with
what was drawn in it. ``share`` 0 is the given answer, with nothing to learn; 1 has nothing of it but its length.

``blank`` is a token: its text, or, in a finite world, the number of an action.

Source: semi-offline reinforcement learning, Chen et al. 2023, arXiv 2306.09712, and its authors' code (``mask_policy_utils.py``; 64 answers and share 0.4 for summaries of
dialogues). There blanks are whole words.
Differs from FromPrefix: what is drawn does not read what was drawn before it, so that one pass is enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from guerdon.acting.samplers import Given
from guerdon.acting.samplers.beside_given import said_in
from guerdon.acting.samplers.from_prefix import FromPrefix
from guerdon.errors import InputError
from guerdon.models import Policy
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Sequences, Side
from guerdon.witness import Witness


@dataclass(frozen=True)
class Infilled:
    records: ClassVar[frozenset[str]] = frozenset({"fed"})
    looks: ClassVar[bool] = True

    blank: str | int
    num_generations: int = 8
    share: float = 0.4
    column: str = "completion"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns whose answers are asked for."""
        return (self.column,)

    @torch.no_grad()
    def __call__(self, policy: Policy, contexts: Sequence[Tensor], decoding: Decoding, seed: int, given: Given) -> Sequences:
        if not 0 <= self.share <= 1:
            raise InputError(
                f"sampler: share is {self.share:g}, and is the share of an answer's steps that are blanked; give a number from 0 to 1"
            )
        if "logits" not in getattr(policy, "measures", ()):
            raise InputError(
                "sampler: infilled draws from the distributions of all steps at once, which this policy does not tell; take a language model"
            )
        answers = said_in([row[self.column] for row in given(self.columns)], contexts, decoding.temperature or 1.0)
        rng, longest = generator(seed, "blanks"), answers.actions.shape[1]
        blanked = (torch.rand(len(contexts), longest, generator=rng) < self.share) & answers.mask
        fed = torch.where(blanked, self._token(policy), answers.actions)
        read = replace(answers, actions=fed, mask=answers.mask)
        logp = policy.measure(read, {"logits"})["logits"].double()
        which = torch.arange(len(contexts)).repeat_interleave(self.num_generations)
        uniforms = torch.rand(len(which), longest, 1, generator=generator(seed, "sample"), dtype=torch.float64)
        below = logp.exp().cumsum(-1)[which]
        drawn = torch.searchsorted(below, uniforms * below[..., -1:], right=True).clamp(max=logp.shape[-1] - 1)
        mask = blanked[which]
        said = torch.where(mask, logp[which].gather(-1, drawn).squeeze(-1), 0.0)
        recorded = {"old_logp": said, "terminated": torch.ones(len(which), dtype=torch.bool), "fed": fed[which]}
        actions = torch.where(mask, drawn.squeeze(-1), answers.actions[which])
        return Sequences(list(contexts), which, actions, mask, answers.length[which], recorded, answers.temperature)

    def _token(self, policy: Policy) -> Tensor:
        if isinstance(self.blank, int):
            return torch.tensor(self.blank)
        tokens = policy.tokenizer.encode(self.blank, add_special_tokens=False)
        if len(tokens) != 1:
            raise InputError(
                f"sampler: the blank {self.blank!r} is {len(tokens)} tokens to this model's tokenizer; choose one that is a single token"
            )
        return torch.tensor(tokens[0])


def _answers(columns: Sequence[str]) -> list[dict[str, Side]]:
    return [{name: Side((0,), (0, 1), (True, True)) for name in columns}]


_sure = torch.full((1, 4, 3), -60.0, dtype=torch.float64)  # prefixes: none, 0, 1, 2
for _prefix, _action in enumerate((1, 0, 0, 1)):
    _sure[0, _prefix, _action] = 0.0
_given = {
    "policy": TablePolicy(PrefixTree(3, 2), _sure),
    "contexts": [torch.tensor([0])],
    "decoding": Decoding(max_completion_length=2),
    "seed": 0,
    "given": _answers,
}
witness = (
    Witness(  # the second step follows the blank and not what was drawn
        Infilled(2, num_generations=2, share=1.0),
        parent=FromPrefix(2, least=0.0, most=0.0),
        given=_given,
        returns={"actions": [[1, 1], [1, 1]], "mask": [[1, 1], [1, 1]], "fed": [[2, 2], [2, 2]], "length": [2, 2]},
    ),
    Witness(
        Infilled(2, num_generations=1, share=0.0),
        parent=Infilled(2, num_generations=1, share=1.0),
        given=_given,
        returns={"actions": [[0, 1]], "mask": [[0, 0]], "fed": [[0, 1]]},
    ),
)
