"""RLFR: a flow that learned how hidden states go on in right solutions says of each step how far it deviates, and what deviates most is penalised beside the outcome.

World: 16 problems with solutions in up to four steps (``worlds.finite.solutions``, modulo 4); the policy sees the number said last and the next operation (``_learning``), and is
right three times in ten at the start. In the place of a network's hidden states stand the world's features of each step (12 numbers, blurred by 0.2), which do not change as the
policy learns. A flow, a network of two layers of 64, learns from 512 solutions to eight problems, those of them that are right, to turn noise into the state of a step, given
that of the step before; a step's deviation is the squared error of its velocity at time 0.8, times 4. A seed is another world, policy, flow and draws.

Arms, on the eight other problems, eight answers to each, 12 steps: "outcome", GRPO; "entropy", with entropy added to the advantage (``entropy_added``); "RLFR", with ``outlying``
deviations times a coefficient, returned apart; "shuffled", the same with the deviations of other steps of the same problem, which tell nothing. Learning rates, alpha and the
coefficient are tuned by "success", nine trials each.

* "success": exact, the mean over steps 3, 6 and 12; "at the end" after the last.
* "told apart": how likely a right and a wrong solution of the start to a problem are ranked so by minus the mean deviation of its steps; exact. "policy": by its mean
  log-probability.

Source: Zhang et al. 2025, arXiv 2510.10201, the abstract, and authors' code (Jinghaoleven/RLFR: ``flow_simple.py`` for the flow, its times drawn from a logit-normal
distribution, its deviation at 0.8 and the factor t / (1 - t); ``models/utils.py``; ``config/flow_config_7B.json`` for the step before as the condition; its script for the
defaults). There models of 1.5 to 8 B, flows on three layers that learn on from right rollouts as the policy changes, a coefficient of 0.01 for some hundred tokens of which 15
are penalised; here at most four steps, so that the coefficient is tuned. The smallest differences of interest: 0.05 of a success rate, 0.03 of "told apart".
Set while exploring: a blur of 0.2, for at the world's 0.5 a flow from so few solutions told nothing of other problems.
"""

from functools import lru_cache

import torch
from torch import Tensor, nn

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, Knob, System
from guerdon.atlas.process_rewards._learning import mean_after, tied, told_apart
from guerdon.atlas.process_rewards._practising import TableScorer, practised
from guerdon.atlas.process_rewards._steps import drawn
from guerdon.credit.advantages.entropy_added import EntropyAdded
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.penalties_apart import PenaltiesApart
from guerdon.feedback.dense.step_scores import StepScores
from guerdon.feedback.step_shaping.outlying import Outlying
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.tied_table import TiedPolicy
from guerdon.randomness import derive, generator
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Dense, Recipe, Term
from guerdon.worlds.finite.solutions import Solutions

system = System(
    title="RLFR: Extending Reinforcement Learning for LLMs with Flow Environment",
    link="https://arxiv.org/abs/2510.10201",
    kind="reward",
    builds_on=("grpo", "outlying", "penalties-apart", "entropy-added"),
    read="code",
    note=(
        "The flow tells right from wrong solutions to new problems (0.90; the policy's own probability 0.77), but the coefficient is tuned to next to nothing and RL is "
        "as good or better without it (0.86 and 0.83, undecided): outcomes say as much where solutions have four steps, and of two tuning seeds its learning rate is "
        "three times the outcome's. With entropy added 0.06 more is reached than with RLFR; the lead over shuffled deviations may be that of its learning rate (2.7, "
        "theirs 8.1)."
    ),
)
TIME, DRAWS = 0.8, 4  # of noise, over which a deviation is averaged
recipe = {"RLFR": (Outlying(), PenaltiesApart(GroupCentred())), "entropy": EntropyAdded()}
_RATES = (0.1, 0.3, 0.9)
GRID = {
    "outcome": {"learning_rate": (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.5, 2.7)},
    "entropy": {"learning_rate": _RATES, "alpha": Knob((0.13, 0.4, 1.2), least=0.0)},
    "RLFR": {"learning_rate": _RATES, "coefficient": Knob((0.01, 0.1, 1.0), least=0.0)},
    "shuffled": {"learning_rate": _RATES, "coefficient": Knob((0.01, 0.1, 1.0), least=0.0)},
}
TUNED_BY = "success"
SEEDS = {"smoke": 1, "full": 28, "tune": 2}
claim = AllOf(
    BetterThan("flow", 0.5, on="told apart", effect=0.03),
    BetterThan("flow", "policy", on="told apart", effect=0.03),
    BetterThan("RLFR", "outcome", on="success", effect=0.05, matched="samples, updates"),
    BetterThan("RLFR", "entropy", on="success", effect=0.05, matched="samples, updates"),
    BetterThan("RLFR", "shuffled", on="success", effect=0.05, matched="samples, updates"),
)


class Flow:
    """The velocity of a state [N, D] on its way from noise, given the state before, at the times [N, 1]."""

    def __init__(self, width: int, seed: int, hidden: int = 64):
        rng = generator(seed, "flow")
        layers: list[nn.Module] = []
        for size, to in ((2 * width + 1, hidden), (hidden, hidden), (hidden, width)):
            layer = nn.Linear(size, to)
            layer.weight.data = torch.randn(layer.weight.shape, generator=rng) / size**0.5
            nn.init.zeros_(layer.bias)
            layers += [layer, nn.SiLU()]
        self.network = nn.Sequential(*layers[:-1]).double()

    def error(self, state: Tensor, before: Tensor, noise: Tensor, time: Tensor) -> Tensor:
        """[N], the mean over D of the squared error of the velocity of what lies between noise and state at that time."""
        velocity = self.network(torch.cat([time * state + (1 - time) * noise, before, time], -1))
        return (velocity - (state - noise)).square().mean(-1)

    def learn(self, state: Tensor, before: Tensor, steps: int, seed: int) -> None:
        rng = generator(seed, "times and noise")
        optimiser = torch.optim.AdamW(self.network.parameters(), lr=0.01, weight_decay=0.0)
        for step in range(steps):
            for group in optimiser.param_groups:
                group["lr"] = 0.01 * (1 - step / steps)
            time = torch.sigmoid(torch.randn(len(state), 1, dtype=state.dtype, generator=rng))
            loss = self.error(state, before, torch.randn(state.shape, dtype=state.dtype, generator=rng), time).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()


@lru_cache(maxsize=2)
def data(seed: int, scale: str) -> tuple[Solutions, TiedPolicy, Tensor]:
    """The world, the start, and the deviation of each step [C, P, V]."""
    small = scale == "smoke"
    world = Solutions(contexts=6 if small else 16, depth=3 if small else 4, most=2 if small else 3, seed=derive(seed, "world"))
    policy = tied(world, seed, slip=0.35)
    after = world.features(blur=0.2, seed=derive(seed, "features"))
    before = states_before(after)
    some = drawn(world, policy, range(world.contexts // 2), 8 if small else 64, derive(seed, "reference"))
    some = some.select(some.outcome > 0)
    flow = Flow(after.shape[-1], derive(seed, "flow"))
    known = before[some.problem.unsqueeze(-1), some.node]
    flow.learn(some.of(after)[some.mask], known[some.mask], 20 if small else 300, derive(seed, "learning"))
    rng, states, given = generator(derive(seed, "noise")), after.flatten(0, 2), before.unsqueeze(2).expand_as(after).flatten(0, 2)
    at = torch.full((len(states), 1), TIME, dtype=states.dtype)
    with torch.no_grad():
        errors = [flow.error(states, given, torch.randn(states.shape, dtype=states.dtype, generator=rng), at) for _ in range(DRAWS)]
    return world, policy, (TIME / (1 - TIME) * torch.stack(errors).mean(0)).view(after.shape[:3])


def states_before(after: Tensor) -> Tensor:
    """[C, P, V, D] → [C, P, D], the state of the step that led to each prefix; 0 before the first step."""
    contexts, prefixes, vocabulary, width = after.shape
    child = torch.arange(1, prefixes) - 1
    led = after[:, child // vocabulary, child % vocabulary]
    return torch.cat([after.new_zeros(contexts, 1, width), led], 1)


def trial(arm: str, seed: int, scale: str, learning_rate: float, alpha: float = 0.0, coefficient: float = 0.0) -> dict[str, float]:
    world, start, deviation = data(seed, scale)
    policy = start.reference()
    policy.module.requires_grad_(True)
    advantage = {"outcome": GroupCentred(), "entropy": EntropyAdded(alpha=alpha)}.get(arm, PenaltiesApart(GroupCentred()))
    dense = {}
    if arm in ("RLFR", "shuffled"):
        table = shuffled(deviation, derive(seed, "shuffled")) if arm == "shuffled" else deviation
        dense = {"flow": Dense(StepScores(TableScorer(world, table)), (Outlying(),), coefficient)}
    method = Recipe((Term(Clip(0.2)),), AdamW(learning_rate), Group(8), dense=dense, advantage=advantage)
    stops = (1, 2) if scale == "smoke" else (3, 6, 12)
    found = practised(method, world, policy, range(world.contexts // 2, world.contexts), seed, stops)["success"]
    return {"success": mean_after(found), "at the end": found[max(stops)]}


def shuffled(table: Tensor, seed: int) -> Tensor:
    """What is said of the steps of each problem, dealt out among them anew."""
    order = torch.rand(len(table), table[0].numel(), generator=generator(seed, "order")).argsort(-1)
    return table.flatten(1).gather(1, order).view_as(table)


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    world, policy, deviation = data(seed, scale)
    asked = slice(world.contexts // 2, world.contexts)
    chance, rewards = policy.log_probabilities().detach().exp()[asked], world.rewards()[asked]
    said = {"flow": -deviation, "policy": policy.logits.detach().log_softmax(-1)}
    means = {name: world.along(table).sum(-1)[asked] / world.tree.length for name, table in said.items()}
    apart = {name: {"told apart": told_apart(own, chance, rewards)} for name, own in means.items()}
    return apart | {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
