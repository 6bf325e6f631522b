"""Drawing: answers of a policy to the prompts, kept as they come."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from guerdon.errors import InputError
from guerdon.interfaces.attacking.keeping import Kept, key_of, shown
from guerdon.interfaces.attacking.reading import Item
from guerdon.randomness import derive
from guerdon.sequences import Decoding
from guerdon.tasks.encoding import TooLong, template_variables

ROWS = 8  # prompts at once
LONGEST = 128  # tokens of an answer, where nobody says otherwise


class Drawing:
    """A policy that answers prompts.

    Attributes:
        spec: its specification.
        decoding: how it draws.
        left_out: how many prompts have no room for an answer.

    Raises:
        InputError: there is no such model, or no room for such answers.
    """

    def __init__(self, source: str, device: str, temperature: float, longest: int | None, seed: int):
        from guerdon.interfaces.preparing import built
        from guerdon.models.language.language_model import LanguageModel
        from guerdon.training.jobs import encoder_for
        from guerdon.training.sources import of_named

        self.spec, self.seed, self.left_out = LanguageModel(source, device=device), seed, 0
        self.policy = built(self.spec, seed)
        room = self.policy.context_length
        longest = min(LONGEST, room // 2) if longest is None else longest
        if longest >= room:
            raise InputError(f"--max-completion-length: it is {longest}, and the policy has room for {room} tokens; lower it")
        self.decoding = Decoding(longest, temperature)
        self.encoder = encoder_for(self.policy, room - longest)
        self._made_of = [source, of_named([self.spec]), str(self.decoding), seed]

    @property
    def chats(self) -> bool:
        return bool(getattr(self.policy.tokenizer, "chat_template", None))

    def fitting(self, items: Sequence[Item]) -> list[Item]:
        """Those whose prompts leave room for an answer."""
        kept = [item for item in items if self._context(item) is not None]
        self.left_out = len(items) - len(kept)
        if not kept:
            raise InputError(
                "--policy: no prompt fits into the policy beside an answer; lower --max-completion-length, or give a policy with more room"
            )
        return kept

    def _context(self, item: Item) -> torch.Tensor | None:
        try:
            return torch.tensor(self.encoder.encode_prompt(item.prompt, **template_variables(item.row)))
        except TooLong:
            return None

    def __call__(self, items: Sequence[Item], count: int, kept: Kept, silent: bool) -> list[Item]:
        """The items with so many candidates each."""
        from guerdon.acting.samplers.group import Group

        keys = [key_of(self._made_of, item.prompt, count, i) for i, item in enumerate(items)]
        for first in shown(range(0, len(items), ROWS), "drawing answers", silent):
            some = range(first, min(first + ROWS, len(items)))
            if all(keys[i] in kept for i in some):
                continue
            contexts = [self._context(items[i]) for i in some]
            drawn = Group(count)(self.policy, contexts, self.decoding, derive(self.seed, "attack", first))
            answers: list[list[Any]] = [[] for _ in some]
            for b in range(len(drawn)):
                place = int(drawn.context[b])
                answers[place].append(
                    self.encoder.completion(items[first + place].prompt, drawn.actions[b, : int(drawn.length[b])].tolist())
                )
            kept.put((keys[first + k], own) for k, own in enumerate(answers))
        out = []
        for key, item in zip(keys, items, strict=True):
            candidates = tuple(kept[key])
            out.append(replace(item, candidates=candidates, golds=(), own=item.own if item.own is not None else candidates[0]))
        return out
