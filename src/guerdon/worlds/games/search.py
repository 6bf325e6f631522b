"""Search: answer a question whose facts are in a private corpus, by searching it one fact after the other.

    prompt     mo boss kin?     who is the kin of the boss of mo
    said       ?mo boss         searches; ti is the answer
    told       mo boss re>      the document that fits best; none> where none has a word of the query, or the search failed
    earns      1 for the right answer, 0 for a wrong one, which also ends the episode; -``cost`` for a search; -0.1 for what is neither

``size`` names stand in ``relations`` to each other; each fact is a document of one sentence, whose object is any other name, as likely. A document scores 2 for its subject and 1
for its relation and its object among the words of the query; of equal ones the first is told. Each row has one of ``corpora`` corpora: with many nothing can be learned by heart,
with 1 all can. A search fails with probability ``misses``, as the row has it, so that it has to be tried again.

The expert asks for the next fact of the chain, unless a guess is worth more than what is left. Since facts are independent of each other, its mean return for k facts and n turns
is

    V(0, n) = 1,    V(k, 1) = g_k,    V(k, n) = max(g_k, -cost + (1 - misses) V(k - 1, n - 1) + misses V(k, n - 1))        g_k: how likely the best guess is right

which without misses is 1 - cost * hops where searching pays. No policy that does not know the corpus by heart does better then, for every fact of the chain takes a search of its
own (tried for three names, over all policies); with misses it is the best of those that ask for the chain's facts. The upper bound, for who knows the corpus, is 1.

Source: ours; several searches within an answer as in R1-Searcher, arXiv 2503.05592; searches that have to be tried again as in ReZero, arXiv 2504.11001.
"""

import itertools
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, ClassVar, NamedTuple

from guerdon.errors import InputError
from guerdon.randomness import derive
from guerdon.worlds.games._rules import Outcome, Rules
from guerdon.worlds.games._wording import Action, Wording

_NAMES = ["".join(pair) for pair in itertools.product("bdklmnprst", "aeiou")]


class Asked(NamedTuple):
    """How far one has come."""

    corpus: int
    name: str  # the last of the chain that was found
    rest: tuple[str, ...]  # the relations to go
    answer: str
    luck: int
    searches: int


@dataclass(frozen=True)
class Search(Rules):
    size: int = 8
    relations: tuple[str, ...] = ("boss", "kin", "pal")
    hops: int = 2
    cost: float = 0.05
    misses: float = 0.0
    corpora: int = 1_000_000
    turns: int = 5
    wording: str = "terse"
    seed: int = 0

    wasted: ClassVar[float] = -0.1
    wordings: ClassVar[Mapping[str, Wording]] = {
        "terse": Wording(
            says={"search": "?{x}", "answer": "{x}"},
            tells={"rules": "{chain}?", "link": "{so_far} {relation}", "fact": "{subject} {relation} {object}>", "none": "none>"}
            | {"right": "yes", "wrong": "no", "query": "{name} {relation}", "invalid": "?>"},
        ),
        "sentences": Wording(
            says={"search": "search: {x}", "answer": "answer: {x}"},
            tells={
                "rules": "Who is {chain}? You can look it up in documents: say 'search: ' and a few words, on a line of its own, and you are told the document that fits "
                "best. When you "
                "know who it is, say 'answer: ' and the name. You have {turns} turns, and every search costs a little.",
                "link": "the {relation} of {so_far}",
                "fact": "The {relation} of {subject} is {object}.",
                "none": "Nothing was found.",
                "right": "That is right.",
                "wrong": "That is wrong.",
                "query": "{relation} of {name}",
                "invalid": "That is neither 'search:' and some words nor 'answer:' and one of the names.",
            },
        ),
    }

    def check(self) -> None:
        if not 3 <= self.size <= len(_NAMES) or not 1 <= self.hops <= len(set(self.relations)) or self.corpora < 1:
            raise InputError(
                f"{self!r}: there are 3 to {len(_NAMES)} names, one or more corpora, and at most as many hops as different relations"
            )
        if self.turns <= self.hops:
            raise InputError(
                f"turns={self.turns}: {self.hops} facts take as many searches, and then comes the answer; give {self.hops + 1} or more"
            )
        if self.cost < 0 or not 0 <= self.misses < 1:
            raise InputError(f"cost={self.cost}, misses={self.misses}: cost is 0 or more, misses a probability below 1")

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(random.Random(derive(self.seed, "names")).sample(_NAMES, self.size)))

    def fact(self, corpus: int, name: str, relation: str) -> str:
        """Who stands in the relation to the name."""
        others = [other for other in self.names if other != name]
        return others[derive(self.seed, "fact", corpus, name, relation) % len(others)]

    def rows(self, count: int, seed: int = 0) -> list[dict[str, Any]]:
        return [{**row, "prompt": self._question(row)} for row in super().rows(count, seed)]

    def told_in_rules(self) -> Mapping[str, object]:
        return {"chain": "", "turns": self.turns}

    def _question(self, row: Mapping[str, Any]) -> str:
        chain = row["name"]
        for relation in row["path"]:
            chain = self.speech.tell("link", so_far=chain, relation=relation)
        return self.speech.tell("rules", chain=chain, turns=self.turns)

    def drawn(self, draw: random.Random) -> dict[str, Any]:
        corpus, name, path = draw.randrange(self.corpora), draw.choice(self.names), draw.sample(sorted(set(self.relations)), self.hops)
        return {"corpus": corpus, "name": name, "path": path, "luck": draw.randrange(2**31), "answer": self._found(corpus, name, path)}

    def start(self, row: Mapping[str, Any]) -> Asked:
        corpus, name, path, luck = (row.get(column) for column in ("corpus", "name", "path", "luck"))
        if name not in self.names or not path or set(path) - set(self.relations) or not isinstance(corpus, int):
            raise InputError(
                f"{dict(row)}: a row has a corpus (a number), a name of {', '.join(self.names)}, and a path of {', '.join(self.relations)}"
            )
        return Asked(corpus, name, tuple(path), self._found(corpus, name, path), int(luck or 0), 0)

    def moves(self, hidden: Asked) -> list[Action]:
        asked = itertools.product(self.names, self.relations)
        return [*(self._asks(name, relation) for name, relation in asked), *(("answer", name) for name in self.names)]

    def after(self, hidden: Asked, action: Action) -> Outcome | None:
        kind, about = action
        if kind == "answer":
            right = about == hidden.answer
            told = self.speech.tell("right" if right else "wrong")
            return Outcome(hidden, told, float(right), done=True, solved=right) if about in self.names else None
        after = hidden._replace(searches=hidden.searches + 1) if self.misses else hidden
        missed = self.misses > 0 and derive(hidden.luck, "miss", hidden.searches) / 2**63 < self.misses
        found = None if missed else self._fits(hidden.corpus, set(about.split()))
        if found is None:
            return Outcome(after, self.speech.tell("none"), 0.0 - self.cost)
        subject, relation, thing = found
        if hidden.rest and (subject, relation) == (hidden.name, hidden.rest[0]):
            after = after._replace(name=thing, rest=hidden.rest[1:])
        return Outcome(after, self.speech.tell("fact", subject=subject, relation=relation, object=thing), 0.0 - self.cost)

    def best(self, belief: tuple[Asked, ...], left: int) -> Action:
        asked = belief[0]
        if asked.rest and self.value(len(asked.rest), left) > _guess(len(asked.rest), self.size)[0]:
            return self._asks(asked.name, asked.rest[0])
        same = not asked.rest or _guess(len(asked.rest), self.size)[1]
        return "answer", asked.name if same else next(name for name in self.names if name != asked.name)

    def value(self, facts: int, left: int) -> float:
        """The expert's mean return with so many facts to find and so many turns left."""
        guess = _guess(facts, self.size)[0]
        if facts == 0 or left == 1:
            return guess
        found, missed = self.value(facts - 1, left - 1), self.value(facts, left - 1) if self.misses else 0.0
        return max(guess, -self.cost + (1 - self.misses) * found + self.misses * missed)

    @property
    def bounds(self) -> tuple[float, float]:
        return min(self.wasted, -self.cost) * self.turns, 1.0

    @property
    def vocabulary(self) -> str:
        return "".join([*self.names, *self.relations, " 0123456789"])

    @property
    def longest(self) -> int:
        return max(len(self.speech.write(self._asks(self.names[0], relation))) for relation in self.relations)

    def _asks(self, name: str, relation: str) -> Action:
        return "search", self.speech.tell("query", name=name, relation=relation)

    def _found(self, corpus: int, name: str, path: Any) -> str:
        for relation in path:
            name = self.fact(corpus, name, relation)
        return name

    def _fits(self, corpus: int, query: set[str]) -> tuple[str, str, str] | None:
        facts = [(name, relation, self.fact(corpus, name, relation)) for name in self.names for relation in self.relations]
        scores = [2 * (subject in query) + (relation in query) + (thing in query) for subject, relation, thing in facts]
        return facts[scores.index(max(scores))] if max(scores) else None


@cache
def _guess(facts: int, size: int) -> tuple[float, bool]:
    """How likely the best guess is right of who stands at the end of so many unknown facts, and whether that guess is who stands at the beginning."""
    same, other = 1.0, 0.0
    for _ in range(facts):
        same, other = (1 - same) / (size - 1), (1 - other) / (size - 1)
    return max(same, other), same > other
