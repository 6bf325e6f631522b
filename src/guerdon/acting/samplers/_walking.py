"""Walking: answers that grow step by step, and what it costs to grow and to score them. What searches by steps share.

A step ends where a segment would begin (``credit.segments``): after a line break, after so many tokens. The policy goes on from a beginning as it answers a prompt, so that a table
and a language model are searched alike. Tokens are drawn ``at_once`` at a time until the border is among them; what lies behind it is dropped, and counted as drawn.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from guerdon.acting.engines import Engine
from guerdon.credit.segments import Segmenting
from guerdon.errors import InputError
from guerdon.models import Policy
from guerdon.parts import call, describe, needs
from guerdon.sequences import Decoding, Sequences, pad

_KNOWN = frozenset({"mask", "action", "old_logp", "token_text"})  # while an answer is drawn


@dataclass(frozen=True)
class Beginning:
    """What a prompt has been answered with so far.

    Attributes:
        prompt: the index of its context.
        begun: where the step begins that was drawn last.
        whole: whether that step is.
        ended: nothing can follow.
        terminated: it ended by itself.
        score: what the scorer said of it last; None: nothing yet.
    """

    prompt: int
    actions: tuple[int, ...] = ()
    logp: tuple[float, ...] = ()
    begun: int = 0
    whole: bool = True
    ended: bool = False
    terminated: bool = False
    score: float | None = None

    @property
    def rank(self) -> float:
        """Its score; without one, or where none applies, the last of all."""
        return -float("inf") if self.score is None or self.score != self.score else self.score


@dataclass(frozen=True)
class Pace:
    """How a search goes: ``steps`` says where one ends."""

    steps: Segmenting
    at_once: int = 16
    engine: Engine | None = None

    def __post_init__(self) -> None:
        if self.at_once < 1:
            raise InputError(f"sampler: at_once is {self.at_once}; draw at least 1 token at a time")
        if missing := sorted(needs(self.steps) - _KNOWN):
            raise InputError(
                f"sampler: {describe(self.steps)} reads {', '.join(missing)}, which is not known while an answer is drawn; "
                "let steps be after_text, after_actions, after_uncertain or every_n"
            )


class Walk:
    """One search over P prompts. An answer has ``longest`` tokens at most. ``drawn`` and ``read`` [P] count the tokens that the policy drew, and those of answers that
    the scorer was shown."""

    def __init__(self, policy: Policy, contexts: Sequence[Tensor], decoding: Decoding, pace: Pace, score: Callable[[Sequences], Tensor]):
        self.policy, self.contexts, self.decoding, self.pace, self.score = policy, list(contexts), decoding, pace, score
        self.drawn, self.read = ([0] * len(contexts) for _ in range(2))
        depth = getattr(getattr(policy, "tree", None), "depth", decoding.max_completion_length)  # of a table, in which nothing is longer
        self.longest = min(decoding.max_completion_length, depth)
        self.at_once = min(pace.at_once, getattr(pace.steps, "longest", pace.at_once))

    @torch.no_grad()
    def grown(
        self, some: Sequence[Beginning], uniforms: Tensor, tokens: int | None = None, steps: int | None = 1, greedy: bool = False
    ) -> list[Beginning]:
        """Each with ``steps`` more, or as many as there are: the step that it is in the midst of, or the next ones.

        Args:
            uniforms: [B, longest], the random numbers of each: the i-th token of a step is drawn with the i-th, and of several the steps go on from there.
            tokens: leave off after so many of a step, whole or not.
            greedy: always the most likely token.
        """
        decoding = replace(self.decoding, temperature=0.0) if greedy else self.decoding
        now = [replace(one, begun=len(one.actions), whole=False) if one.whole and not one.ended else one for one in some]
        since = [one.begun for one in now]
        left = [steps] * len(now)
        longest = self.longest
        while going := [i for i, one in enumerate(now) if not one.ended and not one.whole and len(one.actions) - one.begun != tokens]:
            room: dict[int, list[int]] = {}
            for i in going:
                one = now[i]
                inside = longest if tokens is None else tokens - (len(one.actions) - one.begun)
                many = longest if steps is None else self.at_once
                room.setdefault(min(many, inside, longest - len(one.actions)), []).append(i)
            for many, rows in room.items():
                for i, one in zip(
                    rows, self._more([now[i] for i in rows], uniforms[rows], [since[i] for i in rows], many, decoding), strict=True
                ):
                    now[i] = one
            if steps is None:
                continue
            for i, border in zip(going, self._borders([now[i] for i in going]), strict=True):
                one = now[i]
                if border is None:
                    now[i] = replace(one, whole=one.ended)
                    continue
                left[i] -= 1
                cut = replace(
                    one,
                    actions=one.actions[:border],
                    logp=one.logp[:border],
                    ended=one.ended and border == len(one.actions),
                    terminated=one.terminated and border == len(one.actions),
                )
                cut = replace(cut, ended=cut.ended or border >= longest)
                now[i] = replace(cut, whole=True) if not left[i] or cut.ended else replace(cut, begun=border)
        return now

    def _more(self, some: list[Beginning], uniforms: Tensor, since: list[int], many: int, decoding: Decoding) -> list[Beginning]:
        """Each with up to ``many`` more tokens, and nothing cut."""
        places: dict[tuple[int, tuple[int, ...]], int] = {}
        which = torch.tensor([places.setdefault((one.prompt, one.actions), len(places)) for one in some])
        contexts = [torch.cat([self.contexts[p], torch.tensor(said, dtype=torch.long)]) for p, said in places]
        at = torch.tensor([len(one.actions) - begun for one, begun in zip(some, since, strict=True)])
        own = uniforms.gather(1, at.unsqueeze(-1) + torch.arange(many))
        draw = self.policy.sample if self.pace.engine is None else partial(self.pace.engine, self.policy)
        more = draw(contexts, which, replace(decoding, max_completion_length=many), own)
        names = (more.length, more.actions, more.quantities["old_logp"], more.quantities["terminated"])
        grown = []
        for one, n, actions, logp, ended in zip(some, *(x.tolist() for x in names), strict=True):
            self.drawn[one.prompt] += n
            whole = (*one.actions, *actions[:n])
            full = ended or n < many or len(whole) >= self.longest
            grown.append(replace(one, actions=whole, logp=(*one.logp, *logp[:n]), ended=full, terminated=ended, score=None))
        return grown

    def _borders(self, some: list[Beginning]) -> list[int | None]:
        """Where each one's step ends: how many tokens there are before the next one begins; None where it does not end yet."""
        asked = {(one.prompt, one.actions, one.begun): one for one in some}
        length = torch.tensor([len(one.actions) for one in asked.values()])
        actions = pad([(*one.actions, 0) for one in asked.values()], torch.long)  # the last one stands for what would follow
        mask = torch.arange(actions.shape[1]) <= length.unsqueeze(-1)
        known = {"action": actions, "mask": mask, "old_logp": pad([(*one.logp, 0.0) for one in asked.values()], torch.float64)}
        segment = call(self.pace.steps, {**known, "token_text": getattr(self.policy, "token_text", None)})
        found: dict[tuple[int, tuple[int, ...], int], int | None] = {}
        for row, (key, one) in zip(segment.tolist(), asked.items(), strict=True):
            after = range(one.begun + 1, len(one.actions) + 1)
            found[key] = next((step for step in after if row[step] != row[one.begun]), None)
        return [found[one.prompt, one.actions, one.begun] for one in some]

    def scored(self, some: Sequence[Beginning]) -> list[Beginning]:
        """Each with its score; those that have one keep it, and those that are alike are shown once."""
        asked: dict[tuple[int, tuple[int, ...]], Beginning] = {}
        for one in some:
            if one.score is None:
                asked.setdefault((one.prompt, one.actions), one)
        if not asked:
            return list(some)
        shown = list(asked.values())
        found = self.score(self.sequences(shown))
        if tuple(found.shape) != (len(shown),):
            raise InputError(f"the score gave shape {tuple(found.shape)} for {len(shown)} beginnings: return one number for each")
        for one in shown:
            self.read[one.prompt] += len(one.actions)
        numbers = dict(zip(asked, found.detach().double().tolist(), strict=True))
        return [one if one.score is not None else replace(one, score=numbers[one.prompt, one.actions]) for one in some]

    def sequences(self, some: Sequence[Beginning]) -> Sequences:
        """They as sequences in answer to the prompts."""
        actions, length = pad([one.actions for one in some], torch.long), torch.tensor([len(one.actions) for one in some])
        mask = torch.arange(actions.shape[1]) < length.unsqueeze(-1)
        recorded = {
            "old_logp": pad([one.logp for one in some], torch.float64),
            "terminated": torch.tensor([one.terminated for one in some]),
        }
        context = torch.tensor([one.prompt for one in some])
        return Sequences(list(self.contexts), context, actions, mask, length, recorded, self.decoding.temperature or 1.0)

    def answers(self, some: Sequence[Beginning]) -> Sequences:
        """What a search gives out: those of one prompt next to each other, with ``score`` and, shared among them, what they cost."""
        out = self.sequences(some)
        many = torch.bincount(out.context, minlength=len(self.contexts)).double()[out.context]
        cost = {
            name: torch.tensor(count).double()[out.context] / many
            for name, count in (("drawn_tokens", self.drawn), ("scored_tokens", self.read))
        }
        return out.with_quantities(score=torch.tensor([one.rank for one in some], dtype=torch.float64), **cost)


def best(some: Sequence[Beginning], many: int) -> list[Beginning]:
    """The ``many`` of the highest score, in its order; of equals those that come first."""
    return sorted(some, key=lambda one: one.rank, reverse=True)[:many]


def distinct(some: Sequence[Beginning]) -> list[Beginning]:
    """Without those that say what an earlier one says."""
    return list({(one.prompt, one.actions): one for one in reversed(some)}.values())[::-1]


def filled(found: Sequence[Beginning], many: int) -> list[Beginning]:
    """The first ``many``; where there are fewer, they again."""
    return [found[k % len(found)] for k in range(many)]


def ways(beams: Sequence[Sequence[Beginning]], width: int, expansions: int, numbers: Tensor) -> tuple[list[Beginning], Tensor]:
    """The beginnings of every beam that go on, each as often as it does (the prompt itself ``width`` times as often), and the random numbers of each, out of
    ``numbers`` [P, width * expansions, longest]."""
    places = [
        (p, k * each + j, one)
        for p, beam in enumerate(beams)
        for each in (expansions * (1 if len(beam) > 1 or beam[0].actions else width),)
        for k, one in enumerate(beam)
        if not one.ended
        for j in range(each)
    ]
    return [one for _, _, one in places], torch.stack([numbers[p, k] for p, k, _ in places])
