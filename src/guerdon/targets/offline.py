"""Targets on a file: pairs, verdicts, rankings and demonstrations, on which ``fit`` makes one plain step.

Answers are sequences of three actions that stop at the last one, after three steps at the latest; there are 15 of them, of one, two and three steps. The policy and
each view are tables with logits from N(0, 1), two contexts.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import generator
from guerdon.sequences import Example, Side
from guerdon.targets.plain import flat, gradient_of, plainly
from guerdon.targets.seen import Said, answers
from guerdon.training.recipe import Budget, Recipe

VOCABULARY, DEPTH, END, CONTEXTS = 3, 3, 2, 2
TREE, WORDS = PrefixTree(VOCABULARY, DEPTH, END), answers(VOCABULARY, DEPTH, END)
# what is preferred to what, in answer to which context: short to long, long to short, alike, and the same answer on both sides of different pairs
CONTEXT, CHOSEN, REJECTED = [0, 0, 0, 1, 1, 1], [0, 5, 1, 9, 2, 12], [7, 0, 2, 1, 14, 6]


def logits(view: str) -> Tensor:
    """[C, P, V] of the policy ("") or a view."""
    return torch.randn(CONTEXTS, TREE.prefixes, VOCABULARY, dtype=torch.float64, generator=generator(0, "targets", view))


def side(context: int, answer: int) -> Side:
    return Side((context,), WORDS[answer], (True,) * len(WORDS[answer]))


@dataclass(frozen=True)
class Rows:
    """What objectives are told of a file.

    Attributes:
        chosen, rejected: the sides of pairs; ``each``: the sequences of a file without sides, the candidates of rankings one after the other.
        columns: [N] by name.
    """

    chosen: Said | None = None
    rejected: Said | None = None
    each: Said | None = None
    columns: Mapping[str, Tensor] | None = None


@dataclass(frozen=True)
class _File:
    """``views`` are those that the recipe binds besides ``ref``."""

    views: tuple[str, ...] = ()

    @property
    def examples(self) -> list[Example]:
        raise NotImplementedError

    def rows(self, tables: Mapping[str, Tensor]) -> Rows:
        raise NotImplementedError

    def gradient(self, recipe: Recipe) -> Tensor:
        return stepped(TablePolicy(TREE, logits("")), self.examples, recipe, ("ref", *self.views))

    def exact(self, objective: Callable[[Rows], Tensor]) -> Tensor:
        tables = {view: logits(view) for view in ("", "ref", *self.views)}
        tables[""].requires_grad_()
        return gradient_of(objective(self.rows(tables)), [tables[""]])


def stepped(model: Any, examples: Sequence[Example], recipe: Recipe, views: Iterable[str] = ()) -> Tensor:
    """By how much one plain step of ``fit`` on all examples lowers each of the model's parameters."""
    from guerdon.training.loops.fit import fit  # which knows transformers: a recipe is imported without

    before, models = flat(model.module.parameters()), {view: frozen(logits(view)) for view in views}
    fit(model, examples, plainly(recipe), Budget(steps=1, batch_size=len(examples)), models=models)
    return before - flat(model.module.parameters())


def frozen(table: Tensor) -> TablePolicy:
    policy = TablePolicy(TREE, table)
    policy.module.requires_grad_(False)
    return policy


@dataclass(frozen=True)
class Pairs(_File):
    """Six pairs. ``ties``: every third is one, which the column ``tie`` says."""

    ties: bool = False

    @property
    def columns(self) -> dict[str, Tensor]:
        return {"tie": (torch.arange(len(CHOSEN)) % 3 == 1).double()} if self.ties else {}

    @property
    def examples(self) -> list[Example]:
        own = [{name: float(values[i]) for name, values in self.columns.items()} for i in range(len(CHOSEN))]
        return [
            Example({"chosen": side(c, a), "rejected": side(c, b)}, columns)
            for c, a, b, columns in zip(CONTEXT, CHOSEN, REJECTED, own, strict=True)
        ]

    def rows(self, tables: Mapping[str, Tensor]) -> Rows:
        context = torch.tensor(CONTEXT)
        sides = [Said(tables, WORDS, context, torch.tensor(answer)) for answer in (CHOSEN, REJECTED)]
        return Rows(*sides, columns=self.columns)


@dataclass(frozen=True)
class Verdicts(_File):
    """Answers with the column ``label``, good ones and bad ones, or, where ``soft``, probabilities. ``which`` of the six."""

    soft: bool = False
    which: tuple[int, ...] = (0, 1, 2, 3, 4, 5)

    @property
    def label(self) -> list[float]:
        return [0.9, 0.2, 0.5, 0.7, 0.0, 1.0] if self.soft else [1.0, 0.0, 1.0, 1.0, 0.0, 0.0]

    @property
    def examples(self) -> list[Example]:
        return [Example({"": side(CONTEXT[i], CHOSEN[i])}, {"label": self.label[i]}) for i in self.which]

    def rows(self, tables: Mapping[str, Tensor]) -> Rows:
        context, answer, label = (torch.tensor([values[i] for i in self.which]) for values in (CONTEXT, CHOSEN, self.label))
        return Rows(each=Said(tables, WORDS, context, answer), columns={"label": label.double()})


@dataclass(frozen=True)
class Demonstrations(_File):
    """Six answers."""

    @property
    def examples(self) -> list[Example]:
        return [Example({"": side(c, a)}) for c, a in zip(CONTEXT, CHOSEN, strict=True)]

    def rows(self, tables: Mapping[str, Tensor]) -> Rows:
        return Rows(each=Said(tables, WORDS, torch.tensor(CONTEXT), torch.tensor(CHOSEN)))


@dataclass(frozen=True)
class Rankings(_File):
    """Two rankings of so many candidates, in the order of ``CHOSEN``, with the column ``reward``; objectives see [2, candidates]."""

    candidates: int = 3

    @property
    def reward(self) -> Tensor:
        return torch.tensor([[0.5, 2.0, -0.3], [1.0, 0.2, 1.7]], dtype=torch.float64)[:, : self.candidates]

    @property
    def answers(self) -> Tensor:
        return torch.tensor(CHOSEN).view(2, -1)[:, : self.candidates]

    @property
    def examples(self) -> list[Example]:
        rows = zip(self.answers.tolist(), self.reward.tolist(), strict=True)
        return [Example({"": tuple(side(c, a) for a in own)}, {"reward": tuple(reward)}) for c, (own, reward) in enumerate(rows)]

    def rows(self, tables: Mapping[str, Tensor]) -> Rows:
        context = torch.arange(2).unsqueeze(-1).expand(2, self.candidates)
        return Rows(each=Said(tables, WORDS, context, self.answers), columns={"reward": self.reward})


@dataclass(frozen=True)
class Compared:
    """All pairs of answers to one context, in both orders, as often as people prefer them so: the expectation over infinitely many comparisons.

    Attributes:
        asked: the view from which both sides of a pair are drawn; None: all pairs are asked alike.
        general: people prefer by no reward: ``worth`` is their preference [S, S], not a reward [S].
        flip: the share of verdicts that are noted down the wrong way round.
        views: besides ``ref``; each is a table of its own.
    """

    asked: str | None = None
    general: bool = False
    flip: float = 0.0
    views: tuple[str, ...] = ()

    @property
    def reference(self) -> Tensor:
        """[S]"""
        return self.probabilities_of("ref")

    @cached_property
    def worth(self) -> Tensor:
        if not self.general:
            return 0.3 * torch.randn(len(WORDS), dtype=torch.float64, generator=generator(0, "targets", "reward"))
        upper = torch.rand(len(WORDS), len(WORDS), dtype=torch.float64, generator=generator(0, "targets", "preference")).triu(1)
        return upper + (1 - upper.T).tril(-1) + 0.5 * torch.eye(len(WORDS), dtype=torch.float64)

    def probabilities_of(self, view: str) -> Tensor:
        """[S]"""
        return frozen(logits(view)).probabilities(0)

    def gradient_at(self, recipe: Recipe, policy: Tensor) -> Tensor:
        """The recipe's gradient by the log-probabilities' table of that policy [S]."""
        learned = TablePolicy(TREE, frozen(logits("")).distribute(policy.log().expand(CONTEXTS, -1)).logits)
        return stepped(learned, self._examples(), recipe, ("ref", *self.views))

    def _examples(self) -> list[Example]:
        prefer = self.worth if self.general else torch.sigmoid(self.worth.unsqueeze(-1) - self.worth)
        share = (1 - self.flip) * prefer + self.flip * prefer.T
        drawn = torch.ones(len(WORDS)) if self.asked is None else self.probabilities_of(self.asked)
        share = share * drawn.unsqueeze(-1) * drawn
        share = share * ~torch.eye(len(share), dtype=torch.bool)
        pairs = (share > 0).nonzero().tolist()
        return [
            Example({"chosen": side(0, a), "rejected": side(0, b)}, {"weight": float(share[a, b]) * len(pairs) / float(share.sum())})
            for a, b in pairs
        ]


@dataclass(frozen=True)
class Scored:
    """Six pairs (those of ``Pairs``) that heads score: tables of their own for each answer, context or user.

    ``heads``: which of ``TABLES`` the model has. Objectives see what the heads say of each side, and the column ``user``.
    """

    heads: tuple[str, ...] = ("score",)
    user: bool = False

    USERS = (0, 1, 0, 1, 2, 2)

    def gradient(self, recipe: Recipe) -> Tensor:
        columns = [{"user": float(u)} if self.user else {} for u in self.USERS]
        rows = [Example(pair.sides, own) for pair, own in zip(Pairs().examples, columns, strict=True)]
        return stepped(Heads(self.heads), rows, recipe)

    def exact(self, objective: Callable[["Scores"], Tensor]) -> Tensor:
        tables = {name: table.clone().requires_grad_() for name, table in _tables(self.heads).items()}
        user = torch.tensor(self.USERS)
        sides = [_read(tables, torch.tensor(CONTEXT), torch.tensor(answer), user) for answer in (CHOSEN, REJECTED)]
        lengths = tuple(torch.tensor([float(len(WORDS[a])) for a in answer], dtype=torch.float64) for answer in (CHOSEN, REJECTED))
        return gradient_of(objective(Scores(*sides, user, lengths)), list(tables.values()))


@dataclass(frozen=True)
class Scores:
    """What heads say of the sides of pairs, by name, who compared, and how many steps the answers of either side have."""

    chosen: Mapping[str, Tensor]
    rejected: Mapping[str, Tensor]
    user: Tensor
    lengths: tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Marked:
    """The six answers, of which every step but each fourth is marked with a verdict between 0 and 1; the model is a table of their steps' scores."""

    @property
    def ends(self) -> Tensor:
        """[N, T], where a step is marked."""
        place = torch.arange(len(CHOSEN) * DEPTH).view(-1, DEPTH)
        return (place % 4 != 3) & (torch.arange(DEPTH) < torch.tensor([len(WORDS[answer]) for answer in CHOSEN]).unsqueeze(-1))

    @property
    def label(self) -> Tensor:
        """[N, T]"""
        return torch.rand(len(CHOSEN), DEPTH, dtype=torch.float64, generator=generator(0, "targets", "step_label")) * self.ends

    def gradient(self, recipe: Recipe) -> Tensor:
        rows = []
        for c, answer, ends, label in zip(CONTEXT, CHOSEN, self.ends.tolist(), self.label.tolist(), strict=True):
            size = len(WORDS[answer])
            rows.append(Example({"": Side((c,), WORDS[answer], tuple(ends[:size]), {"step_label": tuple(label[:size])})}))
        return stepped(StepScores(), rows, recipe)

    def exact(self, objective: Callable[["Marks"], Tensor]) -> Tensor:
        table = _step_table().requires_grad_()
        said = table[torch.tensor(CONTEXT), torch.tensor(CHOSEN)]
        return gradient_of(objective(Marks(said, self.label, self.ends)), [table])


@dataclass(frozen=True)
class Marks:
    """What is said of every step [N, T], its label, and which of them are marked."""

    score: Tensor
    label: Tensor
    ends: Tensor


def _step_table() -> Tensor:
    return torch.randn(CONTEXTS, len(WORDS), DEPTH, dtype=torch.float64, generator=generator(0, "targets", "step_score"))


class StepScores:
    """A table of what is said of each step of each answer."""

    measures = frozenset({"step_score"})

    def __init__(self) -> None:
        self.module = torch.nn.ParameterDict({"step_score": torch.nn.Parameter(_step_table())})

    def measure(self, sequences: Any, names: Iterable[str]) -> dict[str, Tensor]:
        context = torch.cat(sequences.contexts)[sequences.context]
        said = self.module["step_score"][context, TREE.index(sequences.actions, sequences.length)]
        return {"step_score": torch.where(sequences.mask, said[:, : sequences.mask.shape[1]], 0.0)} if names else {}


@dataclass(frozen=True)
class Rated:
    """The six answers of ``Verdicts`` with columns of ratings, which heads score: tables of their own for each answer. ``lacking``: each row lacks some of the columns."""

    heads: tuple[str, ...]
    columns: tuple[str, ...] = ("rating",)
    lacking: bool = False

    @property
    def ratings(self) -> dict[str, Tensor]:
        """[6] by column."""
        drawn = torch.randn(len(self.columns), len(CHOSEN), dtype=torch.float64, generator=generator(0, "targets", "ratings"))
        place = torch.arange(drawn.numel()).view_as(drawn)
        drawn = torch.where((place % 4 == 3) & torch.tensor(self.lacking), torch.nan, drawn)
        return dict(zip(self.columns, drawn, strict=True))

    def gradient(self, recipe: Recipe) -> Tensor:
        columns = self.ratings
        own = [{name: float(values[i]) for name, values in columns.items()} for i in range(len(CHOSEN))]
        rows = [Example({"": side(c, a)}, each) for c, a, each in zip(CONTEXT, CHOSEN, own, strict=True)]
        return stepped(Heads(self.heads), rows, recipe)

    def exact(self, objective: Callable[["Ratings"], Tensor]) -> Tensor:
        tables = {name: table.clone().requires_grad_() for name, table in _tables(self.heads).items()}
        said = _read(tables, torch.tensor(CONTEXT), torch.tensor(CHOSEN), torch.zeros(len(CHOSEN), dtype=torch.long))
        return gradient_of(objective(Ratings(said, torch.stack([*self.ratings.values()], -1))), list(tables.values()))


@dataclass(frozen=True)
class Ratings:
    """What heads say of answers, by name, and how these were rated [6, columns]; NaN where they were not."""

    said: Mapping[str, Tensor]
    rating: Tensor


# of each head: what its table is indexed by, and how wide it is
TABLES = {
    "score": ("answer", ()),
    "preference_vector": ("answer", (4,)),
    "head_score": ("answer", (3,)),
    "head_overlap": ("answer", ()),
    "quantile_score": ("answer", (3,)),
    "attribute_score": ("answer", (5,)),
    "mixture_logp": ("context", (3,)),
    "latent_mean": ("user", (2,)),
    "latent_log_variance": ("user", (2,)),
}


def _tables(heads: Iterable[str]) -> dict[str, Tensor]:
    rows = {"answer": (CONTEXTS, len(WORDS)), "context": (CONTEXTS,), "user": (3,)}
    shapes = {name: (*rows[TABLES[name][0]], *TABLES[name][1]) for name in sorted(heads)}  # as torch orders parameters by name
    return {name: torch.randn(shape, dtype=torch.float64, generator=generator(0, "targets", name)) for name, shape in shapes.items()}


def _read(tables: Mapping[str, Tensor], context: Tensor, answer: Tensor, user: Tensor) -> dict[str, Tensor]:
    rows = {"answer": (context, answer), "context": (context,), "user": (user,)}
    found = {name: table[rows[TABLES[name][0]]] for name, table in tables.items()}
    return {name: value.log_softmax(-1) if name == "mixture_logp" else value for name, value in found.items()}


class Heads:
    """A model of tables that says what heads say."""

    def __init__(self, heads: Iterable[str]) -> None:
        self.module = torch.nn.ParameterDict({name: torch.nn.Parameter(table) for name, table in _tables(heads).items()})
        self.measures = frozenset(self.module)

    def measure(self, sequences: Any, names: Iterable[str]) -> dict[str, Tensor]:
        if set(names) - self.measures:
            raise InputError(f"these heads say {', '.join(sorted(self.measures))}, not {', '.join(sorted(set(names) - self.measures))}")
        context = torch.cat(sequences.contexts)[sequences.context]
        answer = TREE.index(sequences.actions, sequences.length)
        user = sequences.quantities.get("user", torch.zeros(len(context), dtype=torch.long))
        return {name: value for name, value in _read(dict(self.module.items()), context, answer, user).items() if name in names}
