"""Only prompting: nobody judges; the policy is asked for a good answer and for a bad one, and the two are the pair.

World: twelve prompts of four kinds with 27 answers each, whose worth is known (``_judging_itself``), and a policy that was fitted to two demonstrations of each, drawn
in proportion to exp(worth). Asked for good answers it gives y with log-odds raised by strength x s(y), asked for bad ones lowered by as much, where s is
the worth and an error, N(0, 1) as the worth is, the same for all prompts of a kind and always: a prompt says roughly what is meant. A judge sees the worth and an error
too: the same one ("judge, as good"), or three times as much of it ("judge, poor"), as is said of small models.

Arms, four iterations of ten steps of DPO on one pair for each prompt, the reference being the policy as the iteration begins: the two judges, each by best
and worst of six answers; "prompted", one answer to each of the two ways of asking, at strength 1; "annealed", with a strength that falls from 1.5 to 0.5 in equal
steps, so that later pairs are closer.

Tuned, by the worth at a KL of 1 nat from the start: learning rate, beta. Measured, exact, at the start and after each iteration: "gold", the expected worth,
and "KL". That a prompt is better than a judge who knows less is so by construction; whether it is as good as one who knows as much is open. The smallest
difference of interest: 0.05 of worth, whose standard deviation over answers is 1.

Source: Xu et al. 2024, arXiv 2409.17534, its abstract and a summary of its method: pairs by prompts alone, arithmetic of the prompted distributions that sets
how far they are apart, closer later. Chosen here: world, strengths, sizes, that the mixture is of log-probabilities.
"""

from functools import lru_cache

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas._text import bought
from guerdon.atlas.self_rewards._judging_itself import base, best_and_worst, compared, dpo, drawn, error, gold, seen, taught
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive

system = System(
    title="Just Say What You Want: Only-prompting Self-rewarding Online Preference Optimization",
    link="https://arxiv.org/abs/2409.17534",
    kind="method",
    builds_on=("dpo", "best-worst", "logit-arithmetic"),
    read="abstract",
    note=(
        "Ahead of the poor judge by construction; of a judge as good as the one that learns as it goes it is behind, by 0.13 at "
        "the end. Annealing goes further in as many steps and buys no more at the same price."
    ),
)
ITERATIONS, STEPS, PRICE = 4, 10, 1.0
POOR, AS_GOOD = "judge, poor", "judge, as good"
STRENGTH = {"prompted": (1.0, 1.0), "annealed": (1.5, 0.5)}  # in the first iteration and in the last
recipe = dict.fromkeys((POOR, AS_GOOD, *STRENGTH), dpo(0.05, 0.3))
_KNOBS = {"learning_rate": (0.02, 0.06, 0.18), "beta": (0.1, 0.3, 1.0)}
GRID = dict.fromkeys(recipe, _KNOBS)
TUNED_BY = "gold at the price"
claim = AllOf(
    AheadAlong("prompted", POOR, on="gold", along="KL", effect=0.05, by_construction=True),
    BetterThan("prompted", AS_GOOD, on="gold at the end", effect=0.05, matched="updates"),
    BetterThan("annealed", "prompted", on="gold at the end", effect=0.05, matched="samples, updates"),
    AheadAlong("annealed", "prompted", on="gold", along="KL", effect=0.05),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}


@lru_cache(maxsize=4)
def first(seed: int) -> TablePolicy:
    """The policy at the start, frozen."""
    return taught(base(seed), drawn(gold(seed), 2, derive(seed, "demonstrations"))).reference()


def trial(arm: str, seed: int, scale: str, learning_rate: float, beta: float) -> dict:
    worth, start = gold(seed), first(seed)
    judged = worth + (3.0 if arm == POOR else 1.0) * error(seed)
    asked = worth + error(seed)
    steps, iterations = (2, 2) if scale == "smoke" else (STEPS, ITERATIONS)
    policy = base(seed)
    policy.module.load_state_dict(start.module.state_dict())
    found = {0: seen(policy, start, worth)}
    for iteration in range(1, iterations + 1):
        draw = derive(seed, "iteration", iteration)
        if arm in STRENGTH:
            begin, end = STRENGTH[arm]
            strength = begin + (end - begin) * (iteration - 1) / (iterations - 1)
            logp = policy.log_probabilities().detach()
            chosen, rejected = (drawn(logp + sign * strength * asked, 1, derive(draw, sign)).squeeze(1) for sign in (1, -1))
        else:
            chosen, rejected = best_and_worst(drawn(policy, 6, draw), judged)
        compared(policy, chosen, rejected, dpo(learning_rate, beta), steps)
        found[iteration] = seen(policy, start, worth)
    curves = {name: {x: one[name] for x, one in found.items()} for name in found[0]}
    return curves | {"gold at the price": bought(curves["gold"], curves["KL"], PRICE), "gold at the end": curves["gold"][iterations]}
