"""ROLLIN: each task of a curriculum begins where the policy of the one before would be by now, now and then.

World: chains in which advancing pays at the far end and nowhere else, and going back leads to the first state (``worlds.finite.chain``, slip 0.1, discount 0.9): of 3, 6, 9, 12 and
15 states, one after the other, of which the last is the task that counts. A uniform policy hardly ever gets there. The policy is a table with logits from
N(0, 1/4); a seed is another table and other episodes.

Arms, all by REINFORCE on 32 episodes of 40 steps (discounted returns to go less their mean over the episodes), plain ascent at a constant rate: "direct", the last
chain at once; "curriculum", one after the other, each from the policy that the last one left; "rollin", the same, and the first state is drawn, with probability
beta, from the discounted visits of that policy in its own task; "uniform starts", the last chain at once from any state alike, and "curriculum, uniform starts",
which nobody can have without being able to put the agent anywhere. A task is done when its value from the first state, which is known exactly, is nine tenths
of the optimum's; a curriculum counts the steps of all its tasks. After 200 steps in all an arm gives up, which counts as 200.

Tuned, by the number of steps: the rate, and of "rollin" beta. That "direct" fails is so by construction of the chain. The smallest difference of interest: ten steps.
Tried first with exact gradients, which see the end of the chain however seldom it is reached, so that a large enough step solved everything at once.

Source: Li, Zhai, Ma, Levine 2022, arXiv 2212.12809, its abstract and a summary of its method: warm start, and initial states from a mixture with the visits
of the previous optimum. There the theory adds an entropy bonus and experiments are of SAC on robots. Chosen here: the chains, sizes, when a task is done,
REINFORCE without an entropy bonus.
"""

from dataclasses import replace

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, Knob, NoWorseThan, System, TunedBy
from guerdon.exact.solvers.value_iteration import ValueIteration
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.chain import Chain
from guerdon.worlds.finite.decision_process import MDP

system = System(
    title="Understanding the Complexity Gains of Single-Task RL with a Curriculum",
    link="https://arxiv.org/abs/2212.12809",
    kind="theory",
    builds_on=("policy-gradient", "goal-curriculum"),
    read="abstract",
    waits_for="a control world with goals that move",
    note=(
        "With a table the curriculum is what saves steps (84 to 8), and beginning where a solved task ends adds nothing to it "
        "that 12 seeds can show; on one of them it took far longer."
    ),
)
LENGTHS, DONE, MOST, EPISODES, LONG = (3, 6, 9, 12, 15), 0.9, 200, 32, 40
STARTS = {"direct": "first", "uniform starts": "any", "curriculum": "first", "rollin": "visits", "curriculum, uniform starts": "any"}
_RATES = (2.0, 6.0, 18.0, 54.0)
GRID = {arm: {"rate": _RATES} for arm in STARTS} | {"rollin": {"rate": (6.0, 18.0), "beta": Knob((0.5, 0.9), least=0.0, most=0.99)}}
TUNED_BY = TunedBy("steps", lower_is_better=True)
claim = AllOf(
    BetterThan("rollin", "direct", on="steps", lower_is_better=True, effect=10, by_construction=True),
    BetterThan("rollin", "curriculum", on="steps", lower_is_better=True, effect=10),
    BetterThan("curriculum", "uniform starts", on="steps", lower_is_better=True, effect=10),
    NoWorseThan("rollin", "curriculum, uniform starts", on="steps", lower_is_better=True, margin=10),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 2}


def trial(arm: str, seed: int, scale: str, rate: float, beta: float = 0.0) -> dict[str, float]:
    lengths, most = ((3, 4), 5) if scale == "smoke" else (LENGTHS, MOST)
    logits = 0.5 * torch.randn(max(lengths), 2, dtype=torch.float64, generator=generator(seed, "table"))
    logits.requires_grad_()
    visits, steps = None, 0
    for length in lengths if "curriculum" in arm or arm == "rollin" else lengths[-1:]:
        first = Chain(states=length, far=1.0, near=0.0, slip=0.1, discount=0.9).tables()
        enough = DONE * float(ValueIteration()(first.transition, first.reward, first.discount)["value"][0])
        task = replace(first, initial=_starts(STARTS[arm], first, visits, beta))
        while steps < most and float(_values(logits[:length].detach(), task)[0]) < enough:
            (gradient,) = torch.autograd.grad(_surrogate(logits[:length], task, derive(seed, length, steps)), logits)
            with torch.no_grad():
                logits += rate * gradient
            steps += 1
        visits = _visits(logits[:length].detach(), first)
    return {"steps": float(steps)}


def _starts(where: str, task: MDP, visits: Tensor | None, beta: float) -> Tensor:
    """[S], the probability of each first state."""
    if where == "any":
        return torch.full_like(task.initial, 1 / len(task.initial))
    if where == "first" or visits is None:
        return task.initial
    return (1 - beta) * task.initial + beta * torch.nn.functional.pad(visits, (0, len(task.initial) - len(visits)))


def _surrogate(logits: Tensor, task: MDP, seed: int) -> Tensor:
    """Its gradient is that of the value, estimated on fresh episodes."""
    uniforms = torch.rand(1 + 2 * LONG, EPISODES, dtype=torch.float64, generator=generator(seed, "episodes")).T
    states, actions, rewards = task.rollout(logits.detach().softmax(-1), uniforms)
    discounts = task.discount ** torch.arange(LONG, dtype=torch.float64)
    to_go = (rewards * discounts).flip(1).cumsum(1).flip(1)
    return ((to_go - to_go.mean(0)) * logits.log_softmax(-1)[states, actions]).sum(1).mean()


def _moves(logits: Tensor, task: MDP) -> tuple[Tensor, Tensor]:
    policy = logits.softmax(-1)
    moves = torch.einsum("sa,san->sn", policy, task.transition)
    return policy, torch.eye(len(moves), dtype=torch.float64) - task.discount * moves


def _values(logits: Tensor, task: MDP) -> Tensor:
    """[S], the values of the policy."""
    policy, remaining = _moves(logits, task)
    return torch.linalg.solve(remaining, (policy * task.reward).sum(-1))


def _visits(logits: Tensor, task: MDP) -> Tensor:
    """[S], the discounted share of time in each state."""
    return (1 - task.discount) * torch.linalg.solve(_moves(logits, task)[1].T, task.initial)
