"""Solutions: problems that are answered in a few steps, each of which is right or wrong by itself, whatever comes out in the end.

    problem    a number and some operations, "add a", modulo ``values``; its answer is what they lead to
    steps      say a number (0 .. values - 1), idle (``idling``: say again what was said), or answer with what was said last (``answering``), which ends; at most ``depth``
    right      a number, where it follows from the one that was said last by the next operation; idling, always; answering, once all operations are done
    outcome    1 where the number that is answered with is the problem's answer, else 0; also 0 where no answer came

A step is judged by what was said, not by what should have been: after an error the next step can be right again, and the outcome is wrong all the same, unless another error
leads back by luck. So right answers with a wrong process have a known frequency, ``lucky(policy)``. Errors are of two kinds: ``CONSISTENCY``, where a step does what the
problem does not ask for next (another of its operations, an answer before the end, one more number after it), and ``ARITHMETIC``, all others.

Tables are of edges, [C, P, V]: problems, prefixes, next steps. ``along`` reads one for all sequences, [C, S, T]; ``values`` are exact under any table policy.
``features`` [C, P, V, D] are what a trained model of steps sees of each: facts that mean the same in all problems, mixed and blurred, as hidden states are.

Source: ours; the errors of reasoning by their kind as in ProcessBench, arXiv 2412.06559, and the right answers of wrong processes of which it tells.
Defaults: 24 problems of two or three operations modulo 4 in at most five steps, 3,906 sequences of each; a number has three words, idling one, an answer two.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.models.finite.policy import TINY, TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import generator
from guerdon.worlds.finite.enumerable import EnumerableWorld

NO_ERROR, ARITHMETIC, CONSISTENCY = range(3)
FACTS = ("right", "arithmetic error", "consistency error", "idle", "answer", "where it should be", "no error so far", "share done")


class States(NamedTuple):
    """What stands before each prefix's next step, [C, P] each: operations done, the number said last, whether it is as it should be, whether no step so far was wrong."""

    done: Tensor
    said: Tensor
    on_track: Tensor
    clean: Tensor


@dataclass(frozen=True)
class Solutions(EnumerableWorld):
    contexts: int = 24
    values: int = 4
    least: int = 2  # operations of a problem
    most: int = 3
    depth: int = 5
    words: tuple[int, int, int] = (3, 1, 2)  # of a number, of idling, of an answer
    seed: int = 0

    def __post_init__(self) -> None:
        if self.values < 3 or not 1 <= self.least <= self.most < self.depth:
            raise InputError(
                f"Solutions has {self.values} values, {self.least} to {self.most} operations and a depth of {self.depth}: "
                "give at least three values, and a depth that holds the operations and the answer"
            )

    @property
    def idling(self) -> int:
        return self.values

    @property
    def answering(self) -> int:
        return self.values + 1

    @property
    def tree(self) -> PrefixTree:
        return PrefixTree(self.values + 2, self.depth, self.answering)

    # problems

    @property
    def count(self) -> Tensor:
        """[C], how many operations a problem has."""
        return self.least + torch.arange(self.contexts) % (self.most - self.least + 1)

    def operations(self) -> Tensor:
        """[C, most], what is added; only the first ``count`` are asked for."""
        return torch.randint(1, self.values, (self.contexts, self.most), generator=generator(self.seed, "solutions", "operations"))

    def truth(self) -> Tensor:
        """[C, most + 1], what should have been said after so many operations; after the last one, the answer."""
        first = torch.randint(self.values, (self.contexts, 1), generator=generator(self.seed, "solutions", "first"))
        asked = torch.where(torch.arange(self.most) < self.count.unsqueeze(-1), self.operations(), 0)
        return torch.cat([first, first + asked.cumsum(-1)], -1) % self.values

    def answer(self) -> Tensor:
        """[C], the answer of each problem."""
        return self.truth()[:, -1]

    # steps

    def states(self) -> States:
        """[C, P] each, see ``States``."""
        return _walked(self)[0]

    def right(self) -> Tensor:
        """[C, P, V], whether each step is right, given what was said before."""
        return self.error() == NO_ERROR

    def error(self) -> Tensor:
        """[C, P, V], the kind of error that each step is: ``NO_ERROR``, ``ARITHMETIC`` or ``CONSISTENCY``."""
        return _walked(self)[1]

    def after(self) -> States:
        """[C, P, V] each, what stands after each step."""
        return _walked(self)[2]

    def ends(self) -> Tensor:
        """[C, P, V], the outcome of a step that ends a solution; 0 elsewhere."""
        good = torch.zeros(*self.states().said.shape, self.values + 2, dtype=torch.float64)
        good[..., self.answering] = (self.states().said == self.answer().unsqueeze(-1)).double()
        return good

    def looks(self) -> Tensor:
        """[C, P], the number said last and the next operation (0: none left), as one index below values^2: what problems have in common, for ``models.finite.tied_table``."""
        states = self.states()
        following = self.operations().gather(1, states.done.clamp(max=self.most - 1))
        return states.said * self.values + torch.where(states.done < self.count.unsqueeze(-1), following, 0)

    def along(self, table: Tensor) -> Tensor:
        """[C, P, V] → [C, S, T], what the table says of each step of each sequence; 0 (false) beyond its end."""
        actions, mask = self.tree.actions, self.tree.mask
        return torch.where(mask, table[:, self.tree.nodes(actions), actions], torch.zeros((), dtype=table.dtype))

    # solutions

    def rewards(self) -> Tensor:
        return self.along(self.ends()).sum(-1)

    def first_error(self) -> Tensor:
        """[C, S], the index of the first wrong step of each sequence, -1 where there is none."""
        wrong = self.along(~self.right())
        return torch.where(wrong.any(-1), wrong.long().argmax(-1), -1)

    def cost(self) -> Tensor:
        """[S], words of each sequence."""
        each = torch.tensor([self.words[0]] * self.values + list(self.words[1:]))
        return (each[self.tree.actions] * self.tree.mask).sum(-1)

    # policies

    def values_under(self, policy: TablePolicy, ends: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """V [C, P] of each prefix and Q [C, P, V] of each step: what the ending step is worth on average, as the policy goes on from there. ``ends``: in place of the outcome."""
        ends = self.ends() if ends is None else ends
        steps = policy.logits.detach().softmax(-1)
        vocabulary, q, v = self.values + 2, ends.clone(), torch.zeros(ends.shape[:2], dtype=torch.float64)
        for t in reversed(range(self.depth)):
            first, size = _level(vocabulary, t)
            if t < self.depth - 1:
                following = _level(vocabulary, t + 1)[0]
                below = v[:, following : following + size * vocabulary].unflatten(1, (size, vocabulary)).clone()
                below[..., self.answering] = 0.0
                q[:, first : first + size] += below
            v[:, first : first + size] = (steps[:, first : first + size] * q[:, first : first + size]).sum(-1)
        return v, q

    def lucky(self, policy: TablePolicy) -> Tensor:
        """[C], how likely an answer is right although a step was not."""
        return policy.expect(self.rewards() * (self.first_error() >= 0)).detach()

    def start(
        self, slip: float = 0.2, luck: float = 0.15, idle: float = 0.1, hurry: float = 0.03, deviation: float = 0.3, seed: int = 0
    ) -> TablePolicy:
        """A policy of middling success.

        Args:
            slip: how likely a number is wrong on average; in proportion to what is added, so that problems differ.
            luck: of the steps after one that led astray, the share that leads back without a reason.
            idle: the share of idling.
            hurry: of answering before all is done, and of going on after it.
            deviation: of the logits, from prefix to prefix.
        """
        states, vocabulary = self.states(), self.values + 2
        number = torch.arange(vocabulary) < self.values
        following = self.operations().gather(1, states.done.clamp(max=self.most - 1))
        wrong = (slip * 2 * following / self.values).clamp(max=0.9).unsqueeze(-1)
        open_ = (states.done < self.count.unsqueeze(-1)).unsqueeze(-1)
        meant = self.right() & number & open_
        chance = torch.where(meant, 1 - wrong, wrong / (self.values - 1)) * number
        others = torch.full((vocabulary,), hurry / self.values, dtype=torch.float64) * number
        others[self.answering] = 1 - hurry
        ending = torch.zeros(vocabulary, dtype=torch.float64)
        ending[self.answering] = 1.0
        chance = torch.where(open_, (1 - hurry) * chance + hurry * ending, others)
        back = self.truth().gather(1, (states.done + 1).minimum(self.count.unsqueeze(-1)))
        led = torch.nn.functional.one_hot(back, vocabulary).double()
        astray = luck * (~states.on_track).unsqueeze(-1)
        chance = (1 - astray) * chance + astray * led
        idling = torch.nn.functional.one_hot(torch.tensor(self.idling), vocabulary).double()
        logits = ((1 - idle) * chance + idle * idling).clamp(min=TINY).log()
        return TablePolicy(
            self.tree, logits + deviation * torch.randn(logits.shape, dtype=torch.float64, generator=generator(seed, "solutions", "start"))
        )

    # what a model sees

    def facts(self) -> Tensor:
        """[C, P, V, 8], ``FACTS`` of each step as numbers from 0 to 1: of the step, and of what stands after it."""
        error, after = self.error(), self.after()
        action = torch.arange(self.values + 2).expand_as(error)
        done = after.done / self.count.view(-1, 1, 1)
        told = [error == NO_ERROR, error == ARITHMETIC, error == CONSISTENCY, action == self.idling, action == self.answering]
        return torch.stack([x.double() for x in (*told, after.on_track, after.clean, done)], -1)

    def features(self, width: int = 12, blur: float = 0.5, seed: int = 0) -> Tensor:
        """[C, P, V, width], the facts under a rotation that all problems share, with noise of N(0, blur^2) at each step of each problem."""
        if width < len(FACTS):
            raise InputError(f"features of width {width} cannot hold the {len(FACTS)} facts of a step: give at least {len(FACTS)}")
        facts, rng = self.facts(), generator(seed, "solutions", "features")
        rotation = torch.linalg.qr(torch.randn(width, len(FACTS), dtype=torch.float64, generator=rng))[0].T
        return facts @ rotation + blur * torch.randn(*facts.shape[:-1], width, dtype=torch.float64, generator=rng)


def _level(vocabulary: int, t: int) -> tuple[int, int]:
    """The first prefix of length t, and how many there are."""
    return sum(vocabulary**k for k in range(t)), vocabulary**t


@lru_cache(maxsize=8)
def _walked(world: Solutions) -> tuple[States, Tensor, States]:
    """What stands before each prefix, the error that each step is, and what stands after it."""
    vocabulary, count, truth = world.values + 2, world.count.unsqueeze(-1), world.truth()
    asked, operations = torch.arange(world.most) < count, world.operations()
    zero = torch.zeros(world.contexts, 1, dtype=torch.long)
    here = States(zero, truth[:, :1], torch.ones_like(zero, dtype=torch.bool), torch.ones_like(zero, dtype=torch.bool))
    action = torch.arange(vocabulary)
    number, answers = action < world.values, action == world.answering
    before, errors, behind = [], [], []
    for _ in range(world.depth):
        done, said, clean = (x.unsqueeze(-1) for x in (here.done, here.said, here.clean))
        is_open = done < count.unsqueeze(-1)
        due = operations.gather(1, here.done.clamp(max=world.most - 1)).unsqueeze(-1)
        follows = action == (said + due) % world.values
        moved = (action - said) % world.values  # what was added, as it seems
        another = ((operations.view(-1, 1, 1, world.most) == moved.unsqueeze(-1)) & asked.view(-1, 1, 1, world.most)).any(-1)
        kind = torch.where(is_open & ~another, ARITHMETIC, CONSISTENCY)
        fine = torch.where(number, is_open & follows, torch.where(answers, ~is_open, True))
        error = torch.where(fine, NO_ERROR, torch.where(number, kind, CONSISTENCY))
        now = torch.where(number, action, said)
        then = (done + (number & is_open)).expand_as(now)
        should = truth.gather(1, then.flatten(1)).view_as(then)
        after = States(then, now, now == should, clean & fine)
        before.append(here)
        errors.append(error)
        behind.append(after)
        here = States(*(x.flatten(1) for x in after))
    return (
        States(*(torch.cat(x, 1) for x in zip(*before, strict=True))),
        torch.cat(errors, 1),
        States(*(torch.cat(x, 1) for x in zip(*behind, strict=True))),
    )
