"""Assigning: who is asked what next.

An item is asked of ``each`` annotators, and where their labels differ of ``further`` more. While somebody looks at it they hold a lease, which counts as a label until it
expires; so nobody is asked in vain. Every ``gold_every``-th question is one whose answer is known, where there are any left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch

from guerdon.interfaces.labelling.agreement import dispute
from guerdon.interfaces.labelling.kinds import Kind
from guerdon.interfaces.labelling.ledger import Ledger
from guerdon.interfaces.labelling.reading import Item
from guerdon.randomness import generator


@dataclass(frozen=True)
class Plan:
    """How many labels each item gets, how many more where they differ, every how many questions one is gold, how many seconds a lease lasts."""

    each: int = 1
    further: int = 1
    gold_every: int = 10
    lease: float = 900.0


@dataclass
class Assigning:
    """``leases``: item → annotator → from when until when. ``settled``: the items that need no more labels."""

    kind: Kind
    items: Mapping[str, Item]
    gold: Sequence[str]
    plan: Plan
    seed: int
    leases: dict[str, dict[str, tuple[float, float]]]
    settled: set[str] = field(default_factory=set)

    def look_at(self, item: str, ledger: Ledger) -> None:
        """Something was said of an item, or taken back."""
        if item in self.items:
            (self.settled.add if len(ledger.labels.get(item, ())) >= self.needed(item, ledger) else self.settled.discard)(item)

    def take(self, item: str, annotator: str, now: float, anew: bool) -> tuple[float, float]:
        """Somebody looks at an item; what they look at already they look at from when they began, unless ``anew``."""
        since, until = self.leases.get(item, {}).get(annotator, (now, 0.0))
        self.leases.setdefault(item, {})[annotator] = (since if until > now and not anew else now, now + self.plan.lease)
        return self.leases[item][annotator]

    def release(self, item: str, annotator: str) -> None:
        """They look at it no more."""
        held = self.leases.get(item, {})
        held.pop(annotator, None)
        if not held:
            self.leases.pop(item, None)

    def needed(self, item: str, ledger: Ledger) -> int:
        """How many labels an item needs, as far as is known."""
        answers = [entry.answer for entry in ledger.labels.get(item, {}).values()]
        differ = len(answers) >= max(self.plan.each, 2) and dispute(self.kind, self.items[item], answers) > 0
        return self.plan.each + (self.plan.further if differ else 0)

    def next(self, annotator: str, order: Sequence[int], ledger: Ledger, now: float) -> str | None:
        """What somebody is asked next: what they had begun, or what nobody else is about to do."""
        own = [(held[annotator][0], item) for item, held in self.leases.items() if held.get(annotator, (0, 0))[1] > now]
        own = [(since, item) for since, item in own if not ledger.has_done(annotator, item)]
        if own:
            return max(own)[1]
        done = ledger.done.get(annotator, [])
        if self.gold and (len(done) + 1) % self.plan.gold_every == 0:
            mixed = torch.randperm(len(self.gold), generator=generator(self.seed, "gold", annotator)).tolist()
            for index in mixed:
                if not ledger.has_done(annotator, self.gold[index]):
                    return self.gold[index]
        return next((item for item in map(str, order) if self._open_to(annotator, item, ledger, now)), None)

    def may_come(self, annotator: str, ledger: Ledger) -> bool:
        """Whether something may yet come back to somebody who has nothing to do now."""
        return any(item not in self.settled and not ledger.has_done(annotator, item) for item in self.items)

    def _open_to(self, annotator: str, item: str, ledger: Ledger, now: float) -> bool:
        if item in self.settled or ledger.has_done(annotator, item):
            return False
        held = sum(until > now and who != annotator for who, (_, until) in self.leases.get(item, {}).items())
        return len(ledger.labels.get(item, ())) + held < self.needed(item, ledger)
