"""Minimising: what the terms of a recipe ask for in many worlds at once, to the end.

A policy is one number for each answer, x [C, S] in nats, added to the reference's log-probability; what an answer is never compared in, stays 0. Each world is minimised
by itself, by BFGS with a line search for the weak Wolfe conditions, which also comes to rest at the kinks of a hinge (Lewis and Overton 2013); all of them are
evaluated together, and one that has arrived is left out. The loss is the house's: the quantities that the terms name are measured of a table policy, each term is called on
its pairs, and its reduction says how they are averaged.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial

import torch
from torch import Tensor

from guerdon.losses.pairwise import Pairwise
from guerdon.losses.pointwise import Pointwise
from guerdon.losses.scores import Score
from guerdon.losses.scores.head import Head
from guerdon.models.finite.policy import TINY, TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.parts import Part, call, needs, per_batch, wants
from guerdon.quantities import Name, seen_by
from guerdon.sequences import Batch, Sequences
from guerdon.training.measuring import attach_views, gather
from guerdon.training.recipe import Term
from studies.exact_preferences.resting import Flow, has_potential, is_monotone

EVERYTHING = 1 << 40  # tables are small
ARRIVED = 1e-7  # nats: so small a step of Newton's method is none
SHORT = 1e-3  # a step of the flow that has become so short meets a kink
FAR = 80.0  # nats: a policy that is so far from the reference will not come back
MISMATCHED = "mismatched_"  # the view of answers to other prompts
REPEATED = 512  # rows that stand for what infinitely many comparisons would be, where a loss takes its batch as a whole


class Answers(TablePolicy):
    """The table policy whose answers have given log-probabilities [C, S], with gradients: conditionals follow from the mass below each prefix."""

    def __init__(self, tree: PrefixTree, log_probabilities: Tensor) -> None:
        self.tree, mask = tree, tree.mask
        cells = (tree.nodes(tree.actions) * tree.vocabulary + tree.actions)[mask]
        weights = log_probabilities.exp().unsqueeze(-1).expand(-1, *mask.shape)[:, mask]
        mass = torch.zeros(len(weights), tree.prefixes * tree.vocabulary, dtype=torch.float64).index_add(1, cells, weights)
        self._logits = mass.clamp(min=TINY).log().unflatten(1, (tree.prefixes, tree.vocabulary))

    @property
    def logits(self) -> Tensor:
        return self._logits


@dataclass(frozen=True)
class Comparisons:
    """What C worlds have been told, as rows: the world, the answers of the two sides, the share of the world's comparisons, and columns of the pair.

    Attributes:
        reference: [C, S], log-probabilities.
        world, chosen, rejected: [N]; the rows of a world lie together.
        share: [N], with the sum 1 over a world.
        columns: [N] each.
    """

    tree: PrefixTree
    reference: Tensor
    world: Tensor
    chosen: Tensor
    rejected: Tensor
    share: Tensor
    columns: dict[str, Tensor]

    @classmethod
    def of(cls, tree: PrefixTree, reference: Tensor, labelled: Tensor, columns: dict[str, Tensor]) -> "Comparisons":
        """From shares and columns [C, S, S], chosen before rejected."""
        world, chosen, rejected = labelled.nonzero(as_tuple=True)
        at = (world, chosen, rejected)
        return cls(tree, reference, *at, labelled[at], {name: values[at] for name, values in columns.items()})

    def select(self, worlds: Tensor) -> "Comparisons":
        """Those of some worlds [A], in ascending order, numbered anew."""
        new = torch.full((len(self.reference),), -1).index_copy(0, worlds, torch.arange(len(worlds)))
        rows = (new[self.world] >= 0).nonzero().squeeze(-1)
        columns = {name: values[rows] for name, values in self.columns.items()}
        world, chosen, rejected = new[self.world[rows]], self.chosen[rows], self.rejected[rows]
        return Comparisons(self.tree, self.reference[worlds], world, chosen, rejected, self.share[rows], columns)

    def copies(self, count: int) -> "Comparisons":
        """Every world so many times: all of them, then all of them again."""
        worlds, rows = len(self.reference), len(self.world)
        world = self.world.repeat(count) + worlds * torch.arange(count).repeat_interleave(rows)
        columns = {name: values.repeat(count) for name, values in self.columns.items()}
        chosen, rejected, share = (each.repeat(count) for each in (self.chosen, self.rejected, self.share))
        return Comparisons(self.tree, self.reference.repeat(count, 1), world, chosen, rejected, share, columns)

    def repeated(self, rows: int) -> "Comparisons":
        """The same with equal shares: ``rows`` rows in each world, each comparison as often as its share says, to the nearest whole number."""
        own = torch.bincount(self.world, minlength=len(self.reference))
        exact = self.share * rows
        count = exact.floor()
        for pairs in torch.arange(len(self.world)).split(own.tolist()):  # what is left goes to the largest remainders
            left = rows - int(count[pairs].sum())
            count[pairs[(exact - count)[pairs].argsort(descending=True, stable=True)[:left]]] += 1
        index = torch.arange(len(self.world)).repeat_interleave(count.long())
        columns = {name: values[index] for name, values in self.columns.items()}
        world, chosen, rejected = self.world[index], self.chosen[index], self.rejected[index]
        return Comparisons(self.tree, self.reference, world, chosen, rejected, torch.full((len(index),), 1 / rows).double(), columns)

    def one_by_one(self) -> "Comparisons":
        """Both sides of each pair as rows of their own, with the column ``label``: 1 for what was chosen, 0 for what was rejected; ``chosen`` is the answer."""
        order = torch.cat([self.world, self.world]).argsort(stable=True)
        twice = {name: torch.cat([values, values])[order] for name, values in self.columns.items()}
        label = torch.cat([torch.ones_like(self.share), torch.zeros_like(self.share)])[order]
        answer = torch.cat([self.chosen, self.rejected])[order]
        world, share = torch.cat([self.world, self.world])[order], torch.cat([self.share, self.share])[order] / 2
        return Comparisons(self.tree, self.reference, world, answer, answer, share, twice | {"label": label})


class Loss:
    """The terms on comparisons: x [C, S] → [C], with gradients."""

    def __init__(self, terms: Sequence[Term], told: Comparisons) -> None:
        self.terms, worlds, size = terms, len(told.reference), told.tree.size
        tree, self.reference = told.tree, told.reference
        everything = torch.arange(worlds).repeat_interleave(size)
        answers = Sequences(
            [torch.tensor([world]) for world in range(worlds)],
            everything,
            tree.actions.repeat(worlds, 1),
            tree.mask.repeat(worlds, 1),
            tree.length.repeat(worlds),
        )
        self.tree, self.batch = tree, Batch({"": answers})
        self.names = {_of_any(name) for term in terms for name in _named(term.loss) if _of_answers(name)}
        self.views = {"ref": Answers(tree, self.reference)}
        attach_views(self.batch, self.names, self.views, EVERYTHING)
        self.parts = [_Part(term, told, answers.mask) for term in terms]

    def __call__(self, x: Tensor) -> Tensor:
        policy = Answers(self.tree, (self.reference + x).log_softmax(-1))
        measured = gather(self.batch, {name for name in self.names if name.quantity != "score"}, policy, self.views)
        if any(name.quantity == "score" for name in self.names):
            measured["score"] = x.flatten()
        return sum((part(measured) for part in self.parts), torch.zeros(len(x), dtype=torch.float64))


class _Part:
    """One term on its rows."""

    def __init__(self, term: Term, told: Comparisons, mask: Tensor) -> None:
        paired = any(name.side for name in _named(term.loss)) or isinstance(term.loss, Pairwise)
        self.worlds, self.whole = len(told.reference), per_batch(term.loss)
        rows = told if paired else told.one_by_one()
        if self.whole:
            rows = rows.repeated(REPEATED)
        chosen, rejected = rows.world * told.tree.size + rows.chosen, rows.world * told.tree.size + rows.rejected
        self.rows = {"chosen": chosen, "rejected": rejected} if paired else {"": chosen}
        self.term, self.world = term, rows.world
        self.columns = {
            name: values for name, values in rows.columns.items() if name in needs(term.loss)
        }  # what is only wanted is not known here
        self.weight = self._weight(term, rows, mask)

    def _weight(self, term: Term, rows: Comparisons, mask: Tensor) -> Tensor:
        """[N, T] or [N, 1]: what the term's reduction gives on infinitely many rows, of which each kind has its share."""
        side = getattr(term.loss, "side", next(iter(self.rows)))
        mask = torch.ones(len(rows.world), 1, dtype=torch.bool) if getattr(term.loss, "per_item", False) else mask[self.rows[side]]
        plain = call(term.reduce, {"mask": mask, "group": torch.arange(len(mask))}).double()
        weight = plain * rows.share.unsqueeze(-1)
        if not torch.isclose(plain.sum(), plain.new_ones(())):
            return weight * len(mask)  # a sum, by a constant: rows add up
        total = torch.zeros(self.worlds, dtype=torch.float64).index_add(0, rows.world, weight.sum(-1))
        return weight / total[rows.world].unsqueeze(-1)  # a mean, of each world by itself

    def __call__(self, measured: dict[str, Tensor]) -> Tensor:
        loss, of = self._shortened(measured)
        given = dict(self.columns)
        for name in map(str, _named(loss)):
            side, base = _apart(name)
            if base in of.get(side, {}):
                given[name] = of[side][base][self.rows[side]]
            elif base.startswith(MISMATCHED) and self.whole:  # an answer to another prompt like this one: that of the next row
                others = self.rows[side].view(self.worlds, -1).roll(1, -1).flatten()
                given[name] = of[side][base.removeprefix(MISMATCHED)][others]
        if self.whole:
            given = {name: values.unflatten(0, (self.worlds, -1)) for name, values in given.items()}
            each = torch.func.vmap(lambda of_world: call(loss, of_world))(given).flatten(0, 1)
        else:
            each = call(loss, given)
        each = each if each.dim() > 1 else each.unsqueeze(-1)
        weighed = (self.weight * torch.where(self.weight != 0, each, torch.zeros_like(each))).sum(-1)
        return self.term.weight * torch.zeros(self.worlds, dtype=torch.float64).index_add(0, self.world, weighed)

    def _shortened(self, measured: dict[str, Tensor]) -> tuple[Part, dict[str, dict[str, Tensor]]]:
        """The loss, and what it may read of the answers of each side. Where a score reads nothing but its own answer, it is computed once an answer and not once a row."""
        loss, of = self.term.loss, dict.fromkeys(self.rows, measured)
        if not isinstance(loss, Pairwise | Pointwise):
            return loss, of
        scores = dict.fromkeys(self.rows, loss.score) | ({"rejected": loss.rejected} if getattr(loss, "rejected", None) else {})
        head = replace(loss, score=Head(), **({"rejected": None} if isinstance(loss, Pairwise) else {}))
        views = {name.view for name in _named(head) if name.quantity == "score" and f"{name.view}_" != MISMATCHED} | {""}
        known = {*measured, *self.columns, *(seen_by(view, "score") for view in views)}
        read = {seen_by(view, name) for score in scores.values() for view in views for name in needs(score)}
        if not read <= set(measured) or any(_apart(name)[1].removeprefix(MISMATCHED) not in known for name in needs(head)):
            return loss, of
        return head, {
            side: measured | {seen_by(view, "score"): _scored(score, view, measured) for view in views} for side, score in scores.items()
        }


def _scored(score: Score, view: str, measured: dict[str, Tensor]) -> Tensor:
    """[A S], what a view scores each answer."""
    return call(score, {name: measured[seen_by(view, name)] for name in needs(score) | wants(score) if seen_by(view, name) in measured})


def _named(loss: Part) -> list[Name]:
    return [Name.parse(text) for text in sorted(needs(loss) | wants(loss))]


def _of_answers(name: Name) -> bool:
    """Whether a name is measured of an answer, and is no column of the comparison."""
    return name.quantity in TablePolicy.measures | TablePolicy.compares | {"mask", "score"}


def _of_any(name: Name) -> Name:
    """What is measured of an answer, whoever reads it."""
    return replace(name, side="", view=f"{name.view}_".removeprefix(MISMATCHED).removesuffix("_"))


def _apart(name: str) -> tuple[str, str]:
    parsed = Name.parse(name)
    return parsed.side, str(replace(parsed, side=""))


@dataclass(frozen=True)
class Minimum:
    """Where the minimisation of each world ended.

    Attributes:
        x: [C, S], nats.
        loss: [C].
        gradient: [C], the norm that is left.
        arrived: [C], whether the last step would have moved nothing.
        earlier: [C, S], where it was after half of the evaluations.
    """

    x: Tensor
    loss: Tensor
    gradient: Tensor
    arrived: Tensor
    earlier: Tensor

    def with_(self, worlds: Tensor, other: "Minimum") -> "Minimum":
        """The same with some worlds [A] as they ended elsewhere."""
        return Minimum(*(getattr(self, f.name).index_copy(0, worlds, getattr(other, f.name)) for f in fields(self)))


def minimise(terms: Sequence[Term], told: Comparisons, evaluations: int = 300) -> Minimum:
    """Where each world comes to rest from the reference, with at most so many evaluations of the gradient by BFGS, and as many steps of the flow as a sixth of them.

    A convex loss has one minimum, which BFGS finds. Of any other the gradient is followed; where the flow meets a kink, BFGS goes on from there.
    """
    worlds, size = told.reference.shape
    start = torch.zeros(worlds, size, dtype=torch.float64)
    if not terms:
        return Minimum(start, start[:, 0], start[:, 0], torch.ones(worlds, dtype=torch.bool), start)
    loss = Loss(terms, told)
    potential = has_potential(loss, worlds, size)
    if potential and is_monotone(partial(_gradient, loss), worlds, size):
        return _minimised(loss, terms, told, start, evaluations)
    rested, stuck = _rested(loss, terms, told, evaluations // 6)
    if not potential or len(stuck) == 0:
        return rested
    further = told.select(stuck)
    return rested.with_(stuck, _minimised(Loss(terms, further), terms, further, rested.x[stuck], evaluations))


def _minimised(loss: Loss, terms: Sequence[Term], told: Comparisons, start: Tensor, evaluations: int) -> Minimum:
    state = _State(start)
    running, earlier = torch.arange(len(state.x)), start
    for evaluation in range(evaluations):
        state.take(running, *_value_and_gradient(loss, state.trial(running)))
        if evaluation <= evaluations // 2:
            earlier = state.x.clone()
        left = running[~state.done[running]]
        if len(left) == 0:
            break
        if len(left) <= 0.8 * len(running):
            running, loss = left, Loss(terms, told.select(left))
    return Minimum(state.x, state.f, state.g.norm(dim=-1), state.arrived, earlier)


def _rested(loss: Loss, terms: Sequence[Term], told: Comparisons, steps: int) -> tuple[Minimum, Tensor]:
    """Where the flow ended, and the worlds in which it can go no step further though it has not arrived."""
    whole, flow = loss, Flow(*told.reference.shape)
    running, earlier = torch.arange(len(flow.x)), flow.x
    copies = Loss(terms, told.copies(told.tree.size + 1))
    for step in range(steps):
        flow.advance(running, partial(_gradient, loss), partial(_gradient, copies), ARRIVED)
        if step <= steps // 2:
            earlier = flow.x.clone()
        left = running[~flow.arrived[running] & (flow.x[running].abs().amax(-1) <= FAR)]
        if len(left) == 0:
            break
        if len(left) <= 0.8 * len(running):
            running, those = left, told.select(left)
            loss, copies = Loss(terms, those), Loss(terms, those.copies(told.tree.size + 1))
    value, gradient = _value_and_gradient(whole, flow.x)
    stuck = (~flow.arrived & (flow.step < SHORT)).nonzero().squeeze(-1)
    return Minimum(flow.x, value, gradient.norm(dim=-1), flow.arrived, earlier), stuck


def _value_and_gradient(loss: Loss, x: Tensor) -> tuple[Tensor, Tensor]:
    x = x.detach().requires_grad_()
    value = loss(x)
    (gradient,) = torch.autograd.grad(value.sum(), x)
    return value.detach(), gradient


def _gradient(loss: Loss, x: Tensor) -> Tensor:
    return _value_and_gradient(loss, x)[1]


class _State:
    """BFGS in C worlds: where each stands, its direction, and the length that is tried next."""

    decrease, curvature, slack, attempts = 1e-4, 0.9, 1e-14, 40

    def __init__(self, start: Tensor) -> None:
        worlds, size = start.shape

        def full(*shape: int, value: float = 0.0) -> Tensor:
            return torch.full((worlds, *shape), value, dtype=torch.float64)

        self.x, self.g, self.p = start.clone(), full(size), full(size)
        self.f, self.slope = full(value=torch.inf), full()
        self.inverse = torch.eye(size, dtype=torch.float64).repeat(worlds, 1, 1)
        self.t, self.low, self.high = full(), full(), full(value=torch.inf)
        self.tried = torch.zeros(worlds, dtype=torch.long)
        self.fresh = torch.ones(worlds, dtype=torch.bool)  # no step was made with this ``inverse``
        self.arrived = torch.zeros(worlds, dtype=torch.bool)
        self.done = torch.zeros(worlds, dtype=torch.bool)

    def trial(self, of: Tensor) -> Tensor:
        """[A, S], where the loss is wanted next; at first the start."""
        return self.x[of] + self.t[of].unsqueeze(-1) * self.p[of]

    def take(self, of: Tensor, f: Tensor, g: Tensor) -> None:
        """The loss and the gradient there: go on from there, or try another length."""
        first = self.f[of].isinf()
        allowed = self.f[of] + self.decrease * self.t[of] * self.slope[of] + self.slack * (1 + self.f[of].abs())
        too_far = ~first & ~((f <= allowed) & g.isfinite().all(-1))
        too_near = ~first & ~too_far & ((g * self.p[of]).sum(-1) < self.curvature * self.slope[of])
        there = of[~(too_far | too_near)]
        self._shorter(of[too_far])
        self._longer(of[too_near])
        self._move(there, f[~(too_far | too_near)], g[~(too_far | too_near)], first[~(too_far | too_near)])
        stuck = of[(too_far | too_near)]
        self.tried[stuck] += 1
        self._again(stuck[self.tried[stuck] >= self.attempts])

    def _shorter(self, of: Tensor) -> None:
        self.high[of] = self.t[of]
        self.t[of] = (self.low[of] + self.high[of]) / 2

    def _longer(self, of: Tensor) -> None:
        self.low[of] = self.t[of]
        self.t[of] = torch.where(self.high[of].isinf(), 2 * self.t[of], (self.low[of] + self.high[of]) / 2)
        beyond = (self.trial(of).abs().amax(-1) > FAR).nonzero().squeeze(-1)
        self.x[of[beyond]] = self.trial(of[beyond]).clamp(-FAR, FAR)
        self.done[of[beyond]] = True

    def _move(self, of: Tensor, f: Tensor, g: Tensor, first: Tensor) -> None:
        to = self.trial(of)
        s, y = to - self.x[of], g - self.g[of]
        sy = (s * y).sum(-1)
        learn = ~first & (sy > 0) & (sy.isfinite())
        self.x[of], self.f[of], self.g[of] = to, f, g
        if learn.any():
            self._learn(of[learn], s[learn], y[learn], sy[learn])
        self._aim(of)

    def _learn(self, of: Tensor, s: Tensor, y: Tensor, sy: Tensor) -> None:
        h = self.inverse[of]
        scaled = (sy / (y * y).sum(-1)).clamp(1e-12, 1e12).view(-1, 1, 1) * torch.eye(s.shape[-1], dtype=torch.float64)
        h = torch.where(self.fresh[of].view(-1, 1, 1), scaled, h)
        hy = (h @ y.unsqueeze(-1)).squeeze(-1)
        outer = s.unsqueeze(-1) * hy.unsqueeze(-2)
        grown = (1 + (y * hy).sum(-1) / sy).view(-1, 1, 1) * s.unsqueeze(-1) * s.unsqueeze(-2)
        h = h + (grown - outer - outer.mT) / sy.view(-1, 1, 1)
        good = h.isfinite().all(-1).all(-1)
        self.inverse[of[good]] = h[good]
        self.fresh[of] = False

    def _aim(self, of: Tensor) -> None:
        """A direction from where each now stands; one whose step would be nothing has arrived."""
        p = -(self.inverse[of] @ self.g[of].unsqueeze(-1)).squeeze(-1)
        slope = (p * self.g[of]).sum(-1)
        downhill = (slope < 0).unsqueeze(-1)
        p = torch.where(downhill, p, -self.g[of])
        norm = self.g[of].norm(dim=-1)
        self.p[of], self.slope[of] = p, (p * self.g[of]).sum(-1)
        self.t[of] = torch.where(self.fresh[of], (1 / norm.clamp(min=1e-300)).clamp(max=1.0), torch.ones_like(norm))
        self.low[of], self.high[of], self.tried[of] = 0.0, torch.inf, 0
        still = (norm == 0) | (~self.fresh[of] & (p.abs().amax(-1) < ARRIVED))
        self.arrived[of] = still
        self.done[of] = still | (self.x[of].abs().amax(-1) > FAR)

    def _again(self, of: Tensor) -> None:
        """No length does: forget the curvature and try once more straight downhill; where that was what did not do, stay."""
        hopeless = of[self.fresh[of]]
        self.done[hopeless] = True
        rest = of[~self.fresh[of]]
        self.inverse[rest] = torch.eye(self.x.shape[-1], dtype=torch.float64)
        self.fresh[rest] = True
        self._aim(rest)


def names(parts: Iterable[Term]) -> set[str]:
    """Every column and quantity that the terms cannot do without."""
    return {str(replace(Name.parse(text), side="")) for term in parts for text in needs(term.loss)}
