"""Reasoning-SQL: rewards for what of a query is right, beside one for what it finds, teach a policy to write queries sooner.

World: databases of three tables with four columns each, some of whose names they share, and twelve rows of whole numbers below 100. A question asks for a column of a table, or its
greatest, or the sum, where another column is above or below a number; each of these six things is said by one of two words, chosen anew. 48 questions to learn from, 48 held out.
A query is written at six places, independently, each by weights of the question's words (``_places``), so that 4,608 queries can be written, of which 1,152 run. All of them are
run in SQLite. A seed draws databases and questions.

Arms: GRPO, 30 steps of 16 queries to a question: "execution", 3 for the rows of the gold query; "execution, four times", 64 queries; "partial", 3 for these rows, and 1 each for a
query that runs, the schema items and the bigrams that it shares with gold; "partial and judge", a judge besides, who gives a query with other rows up to 2 by the share of the six
things that it has right, with an error of 0.15; and "token F1", 3 for the words of the two as text, another reward that says how much. "SFT": 30 steps on the gold
queries. The
step is tuned, by what is right in the end.

*right*: the chance of the gold query's rows, on a database with other rows, so that nothing is right by chance; of held-out questions, exact. *early*: after ten steps.

Source: Pourreza et al. 2025, arXiv 2503.23157, abstract, and what appears to be the first author's training script: 3 for execution, else a judge's score; 1 each for syntax,
schema linking and bigrams; form. The script divides the schema items in common by those of gold, not of both, as ``schema_linking`` does. There SFT is on queries, and the policy
that learns by RL reasons before it writes; here neither reasons. Chosen here: the world and its judge. Smallest difference of interest: 0.02 of a chance.
"""

import itertools
import sqlite3
from collections.abc import Iterable
from functools import cache, lru_cache

import numpy as np

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.domain._places import Places, advantages
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.feedback.rewards.query_ngrams import QueryNgrams, jaccard
from guerdon.feedback.rewards.schema_linking import SchemaLinking, names
from guerdon.feedback.rewards.token_f1 import f1
from guerdon.randomness import derive

system = System(
    title="Reasoning-SQL: Reinforcement Learning with SQL Tailored Partial Rewards for Reasoning-Enhanced Text-to-SQL",
    link="https://arxiv.org/abs/2503.23157",
    kind="application",
    builds_on=("grpo", "query-runs", "schema-linking", "query-ngrams", "llm-judge"),
    read="code",
    note=(
        "From as many queries, partial rewards bring 0.18 more of held-out questions right than execution alone, which even four times the queries hardly start (0.03), "
        "0.05 more than the F1 of words, and a judge 0.12 besides. Copying the gold queries is 0.16 ahead of partial rewards and sooner: where one form of words asks for one "
        "query, and nobody reasons before writing, demonstrations say more than any reward."
    ),
)
TABLES = {"shops": ("name", "city", "size", "year"), "goods": ("name", "kind", "price", "year"), "people": ("name", "city", "age", "pay")}
NAMES = ("name", "city", "size", "year", "kind", "price", "age", "pay")
CHOICES = (NAMES, tuple(TABLES), ("", "MAX", "SUM"), NAMES, (">", "<"), (20, 40, 60, 80))
SIZES = tuple(len(choice) for choice in CHOICES)
QUESTIONS, ROWS, STEPS, EARLY, EACH = 48, 12, 30, 10, 16
recipe = {"advantage": GroupCentred(), "schema linking": SchemaLinking(), "n-grams": QueryNgrams()}
ARMS = ("execution", "execution, four times", "SFT", "token F1", "partial", "partial and judge")
GRID = {arm: {"learning_rate": (10.0, 30.0, 90.0)} for arm in ARMS}
TUNED_BY = "right"
SEEDS = {"smoke": 1, "full": 16, "tune": 3}
claim = AllOf(
    *(BetterThan("partial", "execution", on=measure, effect=0.02, matched="queries, updates") for measure in ("right", "early")),
    BetterThan("partial", "execution, four times", on="right", effect=0.02, matched="updates"),
    BetterThan("partial and judge", "partial", on="right", effect=0.02, matched="queries, updates"),
    BetterThan("partial", "token F1", on="right", effect=0.02, matched="queries, updates"),
    BetterThan("partial", "SFT", on="right", effect=0.02, matched="questions, updates"),
)


QUERIES = list(itertools.product(*map(range, SIZES)))


def text(query: tuple[int, ...]) -> str:
    column, table, of, where, beside, number = (choice[k] for choice, k in zip(CHOICES, query, strict=True))
    return f"SELECT {of}({column}) FROM {table} WHERE {where} {beside} {number}"


@cache
def items(k: int) -> set[str]:
    return names(text(QUERIES[k]))


@cache
def bigrams(k: int) -> set[tuple[str, ...]]:
    return recipe["n-grams"].grams(text(QUERIES[k]))


@lru_cache(maxsize=1)
def runs() -> list[bool]:
    """Of each query, whether it runs."""
    return [rows is not None for rows in answers(np.zeros((len(TABLES), 0, 4)), range(len(QUERIES)))]


def answers(rows: np.ndarray, queries: Iterable[int]) -> list[tuple | None]:
    """What queries find in tables with these rows [3, R, 4], None where one does not run."""
    base = sqlite3.connect(":memory:")
    for (table, columns), own in zip(TABLES.items(), rows, strict=True):
        base.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
        base.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", own.tolist())
    found: list[tuple | None] = []
    for k in queries:
        try:
            found.append(tuple(sorted(base.execute(text(QUERIES[k])).fetchall(), key=str)))
        except sqlite3.OperationalError:
            found.append(None)
    base.close()
    return found


class World:
    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(derive(seed, "world"))
        self.kind, elsewhere = (self.kinds() for _ in range(2))
        asked = [k for k, query in enumerate(QUERIES) if self.kind[k] > 0 and elsewhere[k] > 0 and query[0] != query[3]]
        chosen = self.random.permutation(asked)[: 2 * QUESTIONS]
        self.gold = [chosen[:QUESTIONS], chosen[QUESTIONS:]]
        self.told = [np.stack([self.words(QUERIES[k]) for k in part]) for part in self.gold]
        self.good = [elsewhere == elsewhere[part][:, None] for part in self.gold]  # [Q, queries]

    def kinds(self) -> np.ndarray:
        """Which queries find the same in a new database: -1 for none that run, 0 for no rows."""
        able = np.flatnonzero(runs())
        numbers: dict[tuple, int] = {(): 0, ((None,),): 0}
        kind = np.full(len(QUERIES), -1)
        for k, rows in zip(able, answers(self.random.integers(100, size=(len(TABLES), ROWS, 4)), able), strict=True):
            kind[k] = numbers.setdefault(rows, len(numbers))
        return kind

    def words(self, query: tuple[int, ...]) -> np.ndarray:
        """Of its question: which of the two words for each thing is there."""
        parts = []
        for size, k in zip(SIZES, query, strict=True):
            part = np.zeros(2 * size)
            part[2 * k + self.random.integers(2)] = 1.0
            parts.append(part)
        return np.concatenate(parts)

    def right(self, policy: Places, part: int) -> float:
        """The chance of the gold query's rows."""
        joint = np.ones((QUESTIONS, 1))
        for chance in policy.chances(self.told[part]):
            joint = (joint[:, :, None] * chance[:, None]).reshape(QUESTIONS, -1)
        return float((joint * self.good[part]).sum(1).mean())


@lru_cache(maxsize=2)
def drawn(seed: int) -> World:
    return World(seed)


def paid(arm: str, world: World, gold: int, query: int, random: np.random.Generator) -> float:
    if arm == "token F1":
        return 3.0 * f1(text(QUERIES[query]), text(QUERIES[gold]))
    right = world.kind[query] == world.kind[gold]
    if arm.startswith("execution"):
        return 3.0 * right
    partial = 3.0 * right + runs()[query] + jaccard(items(query), items(gold)) + jaccard(bigrams(query), bigrams(gold))
    if arm == "partial" or right:
        return partial
    share = np.mean([one == other for one, other in zip(QUERIES[query], QUERIES[gold], strict=True)])
    return partial + 2.0 * float(np.clip(share + 0.15 * random.normal(), 0, 1))


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    world, small, random = drawn(seed), scale == "smoke", np.random.default_rng(derive(seed, arm))
    policy, told, gold = Places(world.told[0].shape[1], SIZES), world.told[0], world.gold[0]
    each, early, steps = 4 * EACH if arm.endswith("times") and not small else EACH, 0.0, 2 if small else STEPS
    known: dict[tuple[int, int], float] = {}
    for step in range(steps):
        if arm == "SFT":
            said, gain = np.array([QUERIES[k] for k in gold])[:, None], np.ones((QUESTIONS, 1))
        else:
            said = policy.drawn(told, each, random)
            pairs = [
                (question, query)
                for question, row in enumerate(np.ravel_multi_index(np.moveaxis(said, -1, 0), SIZES).tolist())
                for query in row
            ]
            known |= {pair: paid(arm, world, gold[pair[0]], pair[1], random) for pair in dict.fromkeys(pairs) if pair not in known}
            gain = advantages(np.array([known[pair] for pair in pairs]).reshape(said.shape[:2]), recipe["advantage"])
        policy.learn(told, said, gain, learning_rate)
        if step + 1 == min(steps, EARLY):
            early = world.right(policy, 1)
    return {"right": world.right(policy, 1), "early": early, "right where it learned": world.right(policy, 0)}
