"""AdvGameBench: of agents who win as often as each other, the record of their revisions tells who edits too much and who spends too much.

World: a defence of four lanes with a budget of twelve. An opponent attacks a lane with 0 to 5, 8 in all, the same in all five rounds of a match; a plan holds that puts at least as
much into every lane, and costs no more than the budget: over it, the round is lost. After a lost round the agent is told one lane that fell. Plans begin with three to a lane. A
seed is 300 matches of each agent.

Agents, scripted: "careful" moves one from the fullest other lane to a lane that fell, and leaves a plan that won; "editor" makes the plan anew, at random, with the chance 0.35
before every round, and mends carefully else; "spender" mends carefully, and adds one instead of moving it with some chance; "plain" mends carefully with some chance, else does
nothing. These two chances are chosen such that spender and plain win as often as the editor, on other matches than those measured. "population": 48 agents with all three
chances drawn from U(0, 1), who play 75 matches each.

Measured: *wins*, and by ``evaluation.metrics.revision_record`` *over-correction*, *success*, *slope*, *over-budget*; of the population the *correlation* of over-correction and
success.

Source: Yuan et al. 2025, arXiv 2506.12012, abstract, and the authors' code (as ``evaluation.metrics.revision_record``): twelve models in 4,320 rounds of three games; a correlation
of -0.51 with p = 0.093. There a change at the same price counts as none; here every change of the plan counts. Smallest differences of interest: 0.05 of a share, 0.1 of the
correlation, which twelve agents, as there are in the paper, would take 215 seeds to tell. (With an editor's chance of 0.8, tried first, no other agent could win as rarely.)
"""

from dataclasses import dataclass

import numpy as np

from guerdon.atlas import AllOf, BetterThan, EqualTo, System
from guerdon.evaluation.metrics.revision_record import RevisionRecord
from guerdon.randomness import derive

system = System(
    title="Tracing LLM Reasoning Processes with Strategic Games: A Framework for Planning, Revision, and Resource-Constrained Decision Making",
    link="https://arxiv.org/abs/2506.12012",
    kind="evaluation",
    builds_on=("matrix-game-env", "turn-based-game-env", "multi-turn-rollout"),
    read="code",
    untuned="scripted agents, and metrics without settings",
    note=(
        "Three agents who win as often as each other, in 0.60 of their rounds, are told apart by how often they change their plans, what comes of it and what they spend. "
        "Among 48 of many habits, who changes more succeeds less with a change, by a correlation of -0.14, weaker than the paper's -0.51 of twelve models."
    ),
)
recipe = {"record": RevisionRecord()}
LANES, BUDGET, ATTACK, MOST, ROUNDS = 4, 12, 8, 5, 5
claim = AllOf(
    *(EqualTo(other, "editor", on="wins", tolerance=0.05) for other in ("spender", "plain")),
    *(BetterThan("editor", other, on="over-correction", effect=0.05, matched="wins") for other in ("spender", "plain", "careful")),
    *(BetterThan("spender", other, on="over-budget", effect=0.05, matched="wins", by_construction=True) for other in ("editor", "plain")),
    *(BetterThan("careful", other, on="success", effect=0.05) for other in ("editor", "spender")),
    BetterThan("careful", "editor", on="slope", effect=0.02),
    BetterThan("population", 0.0, on="correlation", effect=0.1, lower_is_better=True),
)
SEEDS = {"smoke": 1, "full": 62}


@dataclass(frozen=True)
class Agent:
    """The chances that it makes its plan anew, that it adds instead of moving, and that it mends at all."""

    anew: float = 0.0
    adds: float = 0.0
    mends: float = 1.0

    def revised(self, plan: np.ndarray, fell: int | None, random: np.random.Generator) -> np.ndarray:
        if random.random() < self.anew:
            return random.multinomial(BUDGET, [1 / LANES] * LANES)
        if fell is None or random.random() >= self.mends:
            return plan
        new = plan.copy()
        new[fell] += 1
        if random.random() >= self.adds:
            others = np.flatnonzero(np.arange(LANES) != fell)
            new[others[plan[others].argmax()]] -= 1
        return new


def play(agent: Agent, matches: int, seed: int) -> dict[str, np.ndarray]:
    """Every round of it."""
    random = np.random.default_rng(seed)
    won, revised, over = (np.zeros((matches, ROUNDS), dtype=bool) for _ in range(3))
    for match in range(matches):
        attack = np.full(LANES, MOST + 1)
        while attack.max() > MOST:
            attack = random.multinomial(ATTACK, [1 / LANES] * LANES)
        plan, fell = np.full(LANES, BUDGET // LANES), None
        for number in range(ROUNDS):
            if number:
                new = agent.revised(plan, fell, random)
                revised[match, number], plan = (new != plan).any(), new
            down = np.flatnonzero(plan < attack)
            over[match, number] = plan.sum() > BUDGET
            won[match, number] = not len(down) and not over[match, number]
            fell = int(random.choice(down)) if len(down) else None
    return {"won": won.ravel(), "revised": revised.ravel(), "over": over.ravel(), "match": np.repeat(np.arange(matches), ROUNDS)}


def as_often(make, target: float, matches: int, seed: int) -> Agent:
    """The agent of a family, from the best to the worst at 0 to 1, that wins so often."""
    low, high = 0.0, 1.0
    for _ in range(8):
        middle = (low + high) / 2
        low, high = (middle, high) if play(make(middle), matches, seed)["won"].mean() > target else (low, middle)
    return make((low + high) / 2)


def experiment(seed: int, scale: str) -> dict:
    matches = 60 if scale == "smoke" else 300
    editor, before = Agent(anew=0.35), derive(seed, "before")
    target = float(play(editor, matches, before)["won"].mean())
    agents = {
        "careful": Agent(),
        "editor": editor,
        "spender": as_often(lambda chance: Agent(adds=chance), target, matches, before),
        "plain": as_often(lambda chance: Agent(mends=1 - chance), target, matches, before),
    }
    names = ("over-correction", "success", "slope", "over-budget")
    found = {}
    for name, agent in agents.items():
        rounds = play(agent, matches, derive(seed, name))
        record = zip(names, map(float, recipe["record"](**rounds)), strict=True)
        found[name] = {"wins": float(rounds["won"].mean())} | {
            k: v for k, v in record if k != "success" or name != "plain"
        }  # plain may change nothing
    drawn = np.random.default_rng(derive(seed, "population")).random((8 if scale == "smoke" else 48, 3))
    records = np.array(
        [recipe["record"](**play(Agent(*traits), matches // 4, derive(seed, "member", i))) for i, traits in enumerate(drawn)]
    )
    changed = records[records[:, 0] > 0]  # who changed nothing has no success
    found["population"] = {"correlation": float(np.corrcoef(changed[:, 0], changed[:, 1])[0, 1])}
    return found
