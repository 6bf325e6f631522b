"""Repeated rock, paper, scissors: whom a population's bots beat on average, and who of them beats it.

World: rock, paper, scissors, 400 throws in a row, and a population of fourteen bots: one throw for ever; a cycle; rock for half of the time; what the opponent threw last, what
beats that, and what it beats; what beats the opponent's most frequent throw, of all and of late; predictors by what followed the last one, two or three throws of both; two that
beat those who predict them, from one throw and from two; and the equilibrium. A seed is a table of everybody against everybody, four times.

Agents: "equilibrium"; "regret matching", which forgets at a tuned rate; "q-learning", a table over the last two throws of both, learned against members drawn at random for 600
matches of 100 throws, with a tuned step and 0.1 of exploration, and then fixed; and "population", of all bots, the median. Returns are per throw, and an agent is no member.

* *return* against the members, *exploitability*, what the worst of them takes, and *aggregate*, the difference, by which is tuned;
* *share beaten*: of the population in return.

Source: Lanctot et al. 2023, arXiv 2303.03196, abstract and the authors' evaluation code: 43 bots, 1,000 throws, recurrent actors and critics, regret matching, and language models,
which do well and lose to the top bots. Here few bots, and a table for a recurrent network. Smallest difference of interest: 0.02 a throw.
"""

from collections import Counter, deque

import numpy as np

from guerdon.atlas import AllOf, BetterThan, EqualTo, Knob, System
from guerdon.evaluation.metrics.population_return import PopulationReturn
from guerdon.evaluation.metrics.within_population_exploitability import WithinPopulationExploitability
from guerdon.randomness import derive

system = System(
    title="Population-based Evaluation in Repeated Rock-Paper-Scissors as a Benchmark for Multiagent Reinforcement Learning",
    link="https://arxiv.org/abs/2303.03196",
    kind="evaluation",
    builds_on=("matrix-games", "cross-play", "regret-matching"),
    read="code",
    note=(
        "Both learners gain 0.21 and 0.23 a throw more than the middle of the population and are ahead of 0.79 of it, and both lose to somebody: regret matching by 0.07, "
        "hardly more than a member seems to take from the equilibrium by chance (0.03), and a table that is fixed once it is learned by 0.92."
    ),
)
recipe = {"return": PopulationReturn(), "exploitability": WithinPopulationExploitability()}
THROWS, MATCHED, MATCHES, LATE = 400, 4, 600, 20
GRID = {
    "regret matching": {"pace": Knob((0.003, 0.01, 0.03), least=0.0, most=1.0)},
    "q-learning": {"pace": Knob((0.003, 0.01, 0.03), least=0.0, most=1.0)},
}
TUNED_BY = "aggregate"
SEEDS = {"smoke": 1, "full": 20, "tune": 3}
claim = AllOf(
    *(BetterThan(arm, "population", on="return", effect=0.02, matched="members") for arm in GRID),
    *(BetterThan(arm, 0.5, on="share beaten", effect=0.02) for arm in GRID),
    *(BetterThan(arm, 0.0, on="exploitability", effect=0.02) for arm in GRID),
    EqualTo("equilibrium", 0.0, on="return", tolerance=0.02),
    BetterThan("equilibrium", 0.15, on="exploitability", lower_is_better=True),
    *(BetterThan("equilibrium", arm, on="exploitability", effect=0.02, lower_is_better=True) for arm in GRID),
)


class Bot:
    """Throws, and is told both throws afterwards."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random, self.draws = random, iter(())

    def any(self) -> int:
        found = next(self.draws, None)
        if found is None:
            self.draws = iter(self.random.integers(3, size=THROWS).tolist())
            return next(self.draws)
        return found

    def throw(self) -> int:
        return self.any()

    def told(self, own: int, other: int) -> None:
        pass


class Always(Bot):
    def throw(self) -> int:
        return 0


class Half(Bot):
    def throw(self) -> int:
        return 0 if self.random.random() < 0.25 else self.any()


class Cycle(Bot):
    last = 0

    def throw(self) -> int:
        return (self.last + 1) % 3

    def told(self, own: int, other: int) -> None:
        self.last = own


class Reply(Bot):
    """To the opponent's last throw, ``shift`` above it."""

    shift, last = 1, None

    def throw(self) -> int:
        return self.any() if self.last is None else (self.last + self.shift) % 3

    def told(self, own: int, other: int) -> None:
        self.last = other


class Copy(Reply):
    shift = 0


class Under(Reply):
    shift = 2


class Frequent(Bot):
    """Beats the opponent's most frequent throw."""

    late: int | None = None

    def __init__(self, random: np.random.Generator) -> None:
        super().__init__(random)
        self.seen = deque(maxlen=self.late)
        self.count = [0, 0, 0]

    def throw(self) -> int:
        most = max(self.count)
        return (self.count.index(most) + 1) % 3 if most else self.any()

    def told(self, own: int, other: int) -> None:
        if self.late and len(self.seen) == self.late:
            self.count[self.seen[0]] -= 1
        self.seen.append(other)
        self.count[other] += 1


class Late(Frequent):
    late = LATE


class Predictor(Bot):
    """Beats what most often followed the last ``order`` throws of both, ``level`` times over: 1 beats it, 2 beats who beats that."""

    order, level, own = 1, 1, False  # own: what is predicted is its own throw, as an opponent would

    def __init__(self, random: np.random.Generator) -> None:
        super().__init__(random)
        self.past: tuple = ()
        self.after: dict[tuple, Counter] = {}

    def throw(self) -> int:
        seen = self.after.get(self.past)
        return (seen.most_common(1)[0][0] + self.level) % 3 if seen else self.any()

    def told(self, own: int, other: int) -> None:
        self.after.setdefault(self.past, Counter())[own if self.own else other] += 1
        self.past = (*self.past, (own, other))[-self.order :]


class Two(Predictor):
    order = 2


class Three(Predictor):
    order = 3


class Guesser(Predictor):
    """Predicts itself, and beats what beats that."""

    level, own = 2, True


class GuesserOfTwo(Guesser):
    order = 2


class Regret(Bot):
    """Throws in proportion to what it regrets not to have thrown."""

    def __init__(self, random: np.random.Generator, pace: float) -> None:
        super().__init__(random)
        self.keep, self.regret = 1 - pace, [0.0, 0.0, 0.0]

    def throw(self) -> int:
        total = sum(self.regret)
        if total <= 0:
            return self.any()
        at = self.random.random() * total
        return 0 if at < self.regret[0] else 1 if at < self.regret[0] + self.regret[1] else 2

    def told(self, own: int, other: int) -> None:
        got = GAIN[own][other]
        self.regret = [max(self.keep * r + GAIN[throw][other] - got, 0.0) for throw, r in enumerate(self.regret)]


class Table(Bot):
    """Throws what its table of values [81, 3] says is best after the last throws, and learns, at a pace above 0."""

    def __init__(self, random: np.random.Generator, value: np.ndarray, pace: float = 0.0) -> None:
        super().__init__(random)
        self.value, self.pace, self.state, self.last = value, pace, None, None

    def throw(self) -> int:
        if self.state is None or (self.pace and self.random.random() < 0.1):
            return self.any()
        return int(self.value[self.state].argmax())

    def told(self, own: int, other: int) -> None:
        now = 3 * own + other
        state, self.last = None if self.last is None else 9 * self.last + now, now
        if self.pace and self.state is not None and state is not None:
            target = GAIN[own][other] + 0.9 * self.value[state].max()
            self.value[self.state, own] += self.pace * (target - self.value[self.state, own])
        self.state = state


GAIN = [[0, -1, 1], [1, 0, -1], [-1, 1, 0]]
POPULATION = (Always, Half, Cycle, Reply, Copy, Under, Frequent, Late, Predictor, Two, Three, Guesser, GuesserOfTwo, Bot)


def match(first: Bot, second: Bot, throws: int) -> float:
    """What the first gains a throw."""
    gained = 0
    for _ in range(throws):
        a, b = first.throw(), second.throw()
        gained += GAIN[a][b]
        first.told(a, b)
        second.told(b, a)
    return gained / throws


def trial(arm: str, seed: int, scale: str, pace: float) -> dict[str, float]:
    throws, matches = (50, 20) if scale == "smoke" else (THROWS, MATCHES)
    random = np.random.default_rng(derive(seed, arm))
    value = np.zeros((81, 3))
    if arm == "q-learning":
        for member in random.integers(len(POPULATION), size=matches):
            match(Table(random, value, pace), POPULATION[member](random), throws // 4)
    make = (lambda: Regret(random, pace)) if arm == "regret matching" else (lambda: Table(random, value))
    return measured([np.mean([match(make(), member(random), throws) for _ in range(MATCHED)]) for member in POPULATION])


def measured(row: list[float]) -> dict[str, float]:
    gain, worst = (float(recipe[name]([row])[0]) for name in ("return", "exploitability"))
    return {"return": gain, "exploitability": worst, "aggregate": gain - worst}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    throws, random = 50 if scale == "smoke" else THROWS, np.random.default_rng(derive(seed, "population"))
    table = np.zeros((len(POPULATION), len(POPULATION)))
    for i, one in enumerate(POPULATION):
        for j in range(i, len(POPULATION)):
            gained = np.mean([match(one(random), POPULATION[j](random), throws) for _ in range(MATCHED)])
            table[i, j], table[j, i] = (gained, -gained) if i != j else (0.0, 0.0)
    of_all = [measured(row) for row in table.tolist()]
    found = {arm: trial(arm, seed, scale, **tuned[arm]) for arm in GRID} | {"equilibrium": of_all[-1]}
    for row in found.values():
        row["share beaten"] = float(np.mean([row["return"] > other["return"] for other in of_all]))
    found["population"] = {name: float(np.median([row[name] for row in of_all])) for name in of_all[0]}
    return found
