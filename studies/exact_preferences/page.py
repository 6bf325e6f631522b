"""The page: what was found in sentences whose figures come from the results, then the tables."""

from typing import Any

from studies.exact_preferences.found import found
from studies.exact_preferences.minimising import REPEATED
from studies.exact_preferences.picture import NAME
from studies.exact_preferences.reading import Table
from studies.exact_preferences.situations import CONTRARY, DRAWN, SHARPER
from studies.exact_preferences.tables import means, regrets


def page(results: dict[str, Any]) -> str:
    table = Table(results["measured"])
    parts = [
        _head(table),
        *found(table),
        _picture(table),
        _how(table),
        "## Regret at its own strength\n",
        _own(table),
        *regrets(table, tuned=False),
    ]
    parts += ["## Regret at the best strength of the grid\n", _tuned(table), *regrets(table, tuned=True)]
    parts += ["## Reward below what the same KL could buy\n", _BELOW, *means(table, "below", tuned=True)]
    parts += ["## Pairs in the wrong order\n", _ORDER, *means(table, "misordered", tuned=False), _foot(results, table)]
    return "\n".join(parts) + "\n"


def _head(table: Table) -> str:
    return f"""# What each preference objective asks for

Every preference objective says that it makes a policy better. Here each is taken at its word where the right answer is known: it is minimised *to the end*, in
{table.measured["worlds"]} small worlds that can be enumerated, and its minimiser is held against the optimum of E[reward] − β KL(policy ‖ reference), which is exact. What is left has nothing
to do with learning rates, seeds or model sizes: it is what the objective itself asks for.

```bash
make studies ARGS=exact-preferences    # measures everything, writes this page (some ten minutes of one core)
```
"""


def _picture(table: Table) -> str:
    return f"""![Regret of every objective in every situation, as a share of that of the reference](images/{NAME})

Regret divided by that of the reference: 0 is the optimum, 1 no better than learning nothing. ∞: in most worlds the policy runs off without end; shown is where it is
{table.measured["off"]:g} nats from the reference.
"""


def _how(table: Table) -> str:
    return f"""## How it was measured

*World*: eight answers of one to seven tokens, rewards from N(0, 1), a reference with logits of deviation 1/2 for whole answers. People compare by Bradley-Terry on the rewards.
The optimum is that of β = {table.measured["beta"]:g}. Worlds are the same in all situations, which differ in one thing each:

| situation | pairs that are asked | labels |
| --- | --- | --- |
| all pairs | each pair of answers alike | expected: what infinitely many comparisons would be |
| pairs from the reference | both sides drawn from the reference | expected |
| {DRAWN} pairs from the reference | {DRAWN} of these, drawn | drawn |
| half of the answers shown | pairs of four of the eight answers, whatever they are worth | expected |
| 10 % ... 40 % flipped | all | expected, of which a share was noted down the wrong way round |
| {DRAWN} pairs, 20 % flipped | {DRAWN} drawn from the reference | drawn, then flipped |
| contrary reference | all; the reference makes an answer rarer by {CONTRARY:g} nat for each unit of reward | expected |
| sharper labels | all | expected of people who are {SHARPER:g} times surer than Bradley-Terry on the rewards |
| labels without doubt | all | the better answer always wins: there DPO has no minimiser |
| cycles | all | P(row beats column) drawn from U(0, 1): no reward explains it |

*Regret* is that of E[reward] − β KL, in units of reward. With cycles there is no reward; there it is the duality gap of the game with payoff P and KL penalty τ = {table.measured["tau"]:g}, which is 0 at
its one equilibrium (a sigmoid's slope is 1/4, hence τ = β / 4) and is in units of probability, not to be compared with the other columns.

*Minimiser*: a policy is one number for each answer, in nats above the reference, from 0 on, and each world is taken to where the gradient leads. A convex loss has one minimum and BFGS finds it
({table.measured["evaluations"]} evaluations at most; until a step would move nothing by more than 1e-7 nats). Of a loss that is not convex, or whose stop-gradients leave a gradient that is none of any function (WPO,
KTO, BCO, TDPO), the gradient flow is followed from the reference by steps of implicit Euler until it rests: of several minima it is the one that many small steps on all rows would find. What is never
compared is held by no label, and its number stays 0 where nothing but comparisons is in the loss. Losses that take a batch as a whole (AOT, KTO, BCO) get {REPEATED} rows with the shares of the expected labels; KTO's answers to
other prompts are those of prompts like this one.

*Intervals* are 95 % bootstrap intervals of the mean over worlds. † more than 5 % of the worlds had not come to rest (the policy moved by more than 0.001 in total variation in the second half of
the evaluations). ∞ most worlds ran off, by more than {table.measured["off"]:g} nats for an answer.
"""


def _own(table: Table) -> str:
    others = ", ".join(f"{name} {table.measured['own'][name]:g}" for name in table.objectives if name not in table.measured["same meaning"])
    return f"""The strength (`beta` of the score) is that of the true objective, {table.measured["beta"]:g}, except where it means something else and has the default of its recipe or authors (marked ᵈ): {others}.
"""


def _tuned(table: Table) -> str:
    grid = ", ".join(f"{strength:g}" for strength in table.measured["grid"])
    return f"""Each objective and situation with the strength of {grid} that has the lowest mean regret: tuned on what it is judged by, as an oracle would. For ORPO it is the weight of the comparison.
"""


_BELOW = """How much more reward the KL-regularised optimum with the *same* KL from the reference has: what no strength and no early stop could mend. At the best strength of the grid.
"""
_ORDER = """The share of pairs of which the worse answer was made likelier against the reference than the better one; a tie is half. At its own strength.
"""


def _foot(results: dict[str, Any], table: Table) -> str:
    versions = ", ".join(f"{name} {results['versions'][name]}" for name in ("python", "torch", "scipy"))
    worst = max(cell["gradient"] for cell in table.shown() if not cell["moving"] and not cell["off"])
    return f"""---

Worlds 0 to {table.measured["worlds"] - 1}; {results["date"]}, {table.measured["processor_s"]:.0f} s of one core, {versions}. All numbers, also those of the strengths that are not shown and the gradients that were left, are in
`studies/results/exact_preferences.json` (gradients that are left are up to {worst:.2g} at the kinks of hinges, which a linear program confirms as minima). Another objective is one line in `studies/exact_preferences/objectives.py`.
"""
