"""LaRe: code that knows what matters turns steps into few factors, and the return is shared out over these.

World: eight prompts, answers of eight steps over three actions. Three places of each prompt matter (``_worlds.Decisive``); the return is the share of them at which the right
thing is said, and is told only when all is over. So the true reward of a step is known: 1/3 or 0. Policies are tables with logits from N(0, 1). A seed is another world.

The return is regressed on the sum of f(step) over the answer, from 4 to 64 episodes of each prompt, by least squares with a ridge of 0.1:

* "factors": f is linear in three numbers of a step, which a program computes and which mean the same for every prompt: is the right thing said at a place that matters; was
  the action 0; is the place in the first half. Two of the three are of no use;
* "factors, a fifth wrong" and "factors, a twentieth wrong": the program is wrong about the first one for so many prompts, places and actions, drawn once, as code by a
  language model may be (where a fifth is wrong, two of three steps that it praises are not to be praised; a twentieth was added when that was seen);
* "steps": f is a table of what each action adds at each place of each prompt, as return decomposition from raw observations learns it;
* "uniform": every step gets the same.

"error": root mean square of f - true reward over the steps of 64 new answers of each prompt. That right factors beat raw steps follows from what they are told; whether they
do where some are wrong is open, and with enough episodes they cannot.

The smallest difference of interest: 0.02, some 6 % of a step's reward.

Source: Qu et al. 2024, arXiv 2412.11120, of which the abstract and a summary were read. A language model writes the code there and checks it on itself; f is a network;
agents move in MuJoCo and multi-agent worlds, where the policy is trained on what f says.
"""

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.credit_assignment._worlds import Decisive
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive, generator
from guerdon.sequences import Decoding, Sequences

system = System(
    title="Latent Reward: LLM-Empowered Credit Assignment in Episodic Reinforcement Learning",
    link="https://arxiv.org/abs/2412.11120",
    kind="method",
    builds_on=("return-decomposition", "redistributed"),
    read="abstract",
    untuned="least squares with one ridge for all arms",
    waits_for="a control world with episodic returns, and a language model that writes the factors",
    note=(
        "Exact factors fit faster by construction. Of a twentieth wrong ones nothing of the advantage is left, and of a fifth "
        "they are worse than steps."
    ),
)
EPISODES, RIDGE = (4, 8, 16, 32, 64), 0.1
WRONG = {"factors": 0.0, "factors, a fifth wrong": 0.2, "factors, a twentieth wrong": 0.05}
ARMS = (*WRONG, "steps", "uniform")
claim = AllOf(
    BetterThan("factors", "steps", on="error", at=16, effect=0.02, lower_is_better=True, matched="episodes", by_construction=True),
    BetterThan("factors, a fifth wrong", "steps", on="error", at=16, effect=0.02, lower_is_better=True, matched="episodes"),
    BetterThan("factors, a twentieth wrong", "steps", on="error", at=16, effect=0.02, lower_is_better=True, matched="episodes"),
    BetterThan("factors, a fifth wrong", "steps", on="error", at=64, effect=0.02, lower_is_better=True, matched="episodes"),
    BetterThan("factors, a fifth wrong", "uniform", on="error", at=16, effect=0.02, lower_is_better=True, matched="episodes"),
)
SEEDS = {"smoke": 1, "full": 16}


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    world = Decisive(3 if small else 8, 3, 4 if small else 8, 3, derive(seed, "world"))
    policy, right = world.policy(1.0, derive(seed, "policy")).build(), _right(world)
    chance = torch.rand(right.shape, generator=generator(seed, "wrong"))
    told = {arm: torch.where(chance < share, 1 - right, right) for arm, share in WRONG.items()}
    unseen = _drawn(policy, world, 64, derive(seed, "unseen"))
    true = _entries(right, unseen) / world.decisive
    arms: dict[str, dict] = {arm: {"error": {}} for arm in ARMS}
    for episodes in EPISODES:
        seen = _drawn(policy, world, episodes, derive(seed, "episodes", episodes))
        returns = _entries(right, seen).sum(-1) / world.decisive
        for arm in ARMS:
            said = _shared_out(arm, told.get(arm), seen, returns, unseen, world)
            arms[arm]["error"][episodes] = float((said - true).square().mean().sqrt())
    return arms


def _right(world: Decisive) -> Tensor:
    """[C, T, V], 1 where an action is the right thing at a place that matters."""
    places, right = world.right()
    table = torch.zeros(world.contexts, world.depth, world.vocabulary, dtype=torch.float64)
    table[torch.arange(world.contexts).unsqueeze(-1), places, right] = 1.0
    return table


def _drawn(policy: TablePolicy, world: Decisive, each: int, seed: int) -> Sequences:
    return Group(each)(policy, [torch.tensor([c]) for c in range(world.contexts)], Decoding(world.depth), seed)


def _entries(table: Tensor, rollouts: Sequences) -> Tensor:
    """[B, T], what a table [C, T, V] says of each step."""
    return table[rollouts.context.unsqueeze(-1), torch.arange(rollouts.actions.shape[1]), rollouts.actions]


def _features(arm: str, told: Tensor | None, rollouts: Sequences, world: Decisive) -> Tensor:
    """[B, T, F]"""
    steps = torch.arange(world.depth).expand(rollouts.actions.shape)
    if told is not None:
        return torch.stack([_entries(told, rollouts), (rollouts.actions == 0).double(), (steps < world.depth // 2).double()], -1)
    if arm == "uniform":
        return torch.ones(*steps.shape, 1, dtype=torch.float64)
    cell = (rollouts.context.unsqueeze(-1) * world.depth + steps) * world.vocabulary + rollouts.actions
    return torch.nn.functional.one_hot(cell, world.contexts * world.depth * world.vocabulary).double()


def _shared_out(arm: str, told: Tensor | None, seen: Sequences, returns: Tensor, unseen: Sequences, world: Decisive) -> Tensor:
    """[B, T], what each step of the unseen answers is said to earn."""
    sums = _features(arm, told, seen, world).sum(1)
    weights = torch.linalg.solve(sums.T @ sums + RIDGE * torch.eye(sums.shape[1], dtype=torch.float64), sums.T @ returns)
    return _features(arm, told, unseen, world) @ weights
