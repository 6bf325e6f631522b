"""Duration-aware gradients: what takes long comes in late, so learning from whatever has come in learns from what is quick; a weight by duration is to make up for it.

World: a bandit of four actions that take 1, 2, 4 and 16 units of time and succeed with some chance; 16 actors each take an action, wait for it, and take the next by the policy
as it is then. A seed draws the chances, from U(0.1, 0.6), but for the best action's, 0.9. In "slow is best" that is the slowest, in "fast is best" the quickest, and then the
slowest succeeds with 0.75. All arms have the same 96 units of time (first 320, in which every arm learned all there was to learn).

Arms, policy gradients with the mean of the batch as baseline, or "raw", without one: "unweighted" learns from every 8 actions that have come in, "duration-aware" likewise,
with the weight; "synchronous" takes 16 actions, waits for all, and learns from all. Learning rates are tuned by the sum of what is measured:

* "slow is best" and "fast is best": the chance of success of the policy in the end, exact.
* "bias": 1 - cosine between what the update is expected to be and the policy's gradient, exact by the renewal equation, at a policy with logits from N(0, 1) that stands still,
where learning begins and stops with a window of so many of the slowest action's durations.

Second experiment: a program of five parts (first four, which both found), each to be written in one of four ways of which one runs, and it scores where all do. Group-centred,
16 programs a step for 40 steps, "sparse" by the score alone, "milestones" with 0.1 for each part that was run besides. "solved": the chance that all run, exact. Learning rates
tuned.

The smallest differences of interest: 0.02 of a chance, 0.02 of a cosine.

Source: Yang et al. 2025, arXiv 2509.01684, abstract and summaries of its sections. There Qwen2.5-3B writes programs for Kaggle tasks. Chosen here: both worlds and the baseline.
"""

import heapq

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System, TunedBy
from guerdon.credit.advantages.duration_weighted import DurationWeighted
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.advantages.return_to_go import ReturnToGo
from guerdon.feedback.rewards.milestones import Milestones
from guerdon.parts import call
from guerdon.randomness import generator

system = System(
    title="Reinforcement Learning for Machine Learning Engineering Agents",
    link="https://arxiv.org/abs/2509.01684",
    kind="method",
    builds_on=("duration-weighted", "milestones", "group-centred", "reinforce"),
    read="summary",
    note=(
        "The weight does not do what it is for here. Actors that begin anew at once bring in quick and slow actions as often as they are taken, so that only a "
        "window as short as the slowest action is biased, and there the weight helps (cosine 0.07 nearer). In longer ones it is a bias itself (0.06). With a "
        "baseline it is behind the same without it (0.015 where slow is best); without one it gains 0.013 where slow is best and loses 0.12 where fast is. "
        "Milestones solve what the score alone does not find in as many samples, by 0.56 of a chance."
    ),
)
TAKES = torch.tensor([1, 2, 4, 16])
TIME, ACTORS = 96, 16
CENTRED = GroupCentred(scale=None)
recipe = {
    "unweighted": CENTRED,
    "duration-aware": DurationWeighted(CENTRED),
    "synchronous": CENTRED,
    "raw": ReturnToGo(),
    "raw, duration-aware": DurationWeighted(ReturnToGo()),
}
PROGRAMS = {"sparse": None, "milestones": Milestones()}
PARTS = ["read", "cleaned", "trained", "predicted", "saved"]
claim = AllOf(
    BetterThan("duration-aware", "unweighted", on="slow is best", effect=0.02, matched="time"),
    NoWorseThan("duration-aware", "unweighted", on="fast is best", margin=0.02, matched="time"),
    BetterThan("duration-aware", "synchronous", on="slow is best", effect=0.02, matched="time"),
    BetterThan("raw, duration-aware", "raw", on="slow is best", effect=0.02, matched="time"),
    NoWorseThan("raw, duration-aware", "raw", on="fast is best", margin=0.02, matched="time"),
    BetterThan("duration-aware", "unweighted", on="bias", at=1.0, lower_is_better=True, effect=0.02),
    BetterThan("duration-aware", "unweighted", on="bias", at=16.0, lower_is_better=True, effect=0.02),
    BetterThan("milestones", "sparse", on="solved", effect=0.02, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 32, "tune": 6}
GRID = {
    arm: {"learning_rate": (1.0, 3.0, 9.0, 27.0)}
    for arm in ("unweighted", "synchronous", "duration-aware", "raw", "raw, duration-aware", *PROGRAMS)
}
TUNED_BY = TunedBy("tuned by")


def credit(arm: str, reward: Tensor, action: Tensor) -> Tensor:
    """[B], of actions that have come in."""
    one = torch.ones(len(reward), 1, dtype=torch.bool)
    taken = TAKES[action].double().unsqueeze(-1)
    given = {
        "reward": reward,
        "step_reward": reward.unsqueeze(-1),
        "group": torch.zeros(len(reward)).long(),
        "mask": one,
        "duration": taken,
    }
    return call(recipe[arm], given).squeeze(-1)


def worked(arm: str, chance: Tensor, learning_rate: float, time: int, seed: int) -> float:
    """The chance of success of the policy in the end."""
    logits, now = torch.zeros(len(chance), dtype=torch.float64), 0
    rng = generator(seed, "actors")
    size = ACTORS if arm == "synchronous" else ACTORS // 2
    running: list[tuple[int, int]] = []  # when it comes in, the action
    while True:
        policy = logits.softmax(-1)
        for one in torch.multinomial(policy, size if running or now else ACTORS, replacement=True, generator=rng).tolist():
            heapq.heappush(running, (now + int(TAKES[one]), one))
        done = [heapq.heappop(running) for _ in range(size)]
        now = done[-1][0]
        if now > time:
            return float(policy @ chance)
        action = torch.tensor([one for _, one in done])
        reward = (torch.rand(size, generator=rng, dtype=torch.float64) < chance[action]).double()
        gained = torch.zeros_like(policy).index_add(0, action, credit(arm, reward, action) / size)
        logits = logits + learning_rate * (gained - policy * gained.sum())


def bias(arm: str, chance: Tensor, seed: int) -> dict[float, float]:
    """How far the expected update points from the gradient, by how long one learns."""
    policy = torch.randn(len(chance), dtype=torch.float64, generator=generator(seed, "policy")).softmax(-1)
    slowest, found = int(TAKES.max()), {}
    begins = [1.0]  # how often an actor begins at each moment
    for t in range(1, 16 * slowest + 1):
        begins.append(sum(p * begins[t - d] for p, d in zip(policy.tolist(), TAKES.tolist(), strict=True) if t >= d))
    for windows in (1.0, 2.0, 4.0, 16.0):
        time = int(windows * slowest)
        came = torch.stack([p * sum(begins[: time - d + 1]) for p, d in zip(policy, TAKES.tolist(), strict=True)])
        weight = came * TAKES if arm == "duration-aware" else came
        update = weight * (chance - came @ chance / came.sum())
        update = update - policy * update.sum()
        true = policy * (chance - policy @ chance)
        found[windows] = 1 - float(torch.nn.functional.cosine_similarity(update, true, 0))
    return found


def chances(seed: int, best: int) -> Tensor:
    found = 0.1 + 0.5 * torch.rand(len(TAKES), dtype=torch.float64, generator=generator(seed, "chances"))
    if best == 0:
        found[-1] = 0.75
    found[best] = 0.9
    return found


def written(arm: str, learning_rate: float, steps: int, seed: int) -> float:
    """The chance that all parts of a program run, once learned."""
    logits = torch.zeros(len(PARTS), 4, dtype=torch.float64)
    rng, size = generator(seed, "programs"), 16
    for _ in range(steps):
        policy = logits.softmax(-1)
        ways = torch.multinomial(policy, size, replacement=True, generator=rng).T  # [B, parts]; the first one runs
        ran = (ways == 0).long().cumprod(-1)
        score = ran[:, -1].double()
        if (part := PROGRAMS[arm]) is not None:
            logs = ["\n".join(PARTS[:count]) for count in ran.sum(-1).tolist()]
            score = score + torch.tensor(part([""] * size, logs, [PARTS] * size), dtype=torch.float64)
        given = {"reward": score, "group": torch.zeros(size).long(), "mask": torch.ones(size, len(PARTS), dtype=torch.bool)}
        gained = torch.zeros_like(logits).scatter_add(1, ways.T, call(CENTRED, given).T / size)
        logits = logits + learning_rate * (gained - policy * gained.sum(-1, keepdim=True))
    return float(logits.softmax(-1)[:, 0].prod())


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    small = scale == "smoke"
    if arm in PROGRAMS:
        solved = written(arm, learning_rate, 4 if small else 40, seed)
        return {"solved": solved, "tuned by": solved}
    slow, fast = chances(seed, len(TAKES) - 1), chances(seed, 0)
    found = {
        name: worked(arm, chance, learning_rate, 48 if small else TIME, seed)
        for name, chance in (("slow is best", slow), ("fast is best", fast))
    }
    found["tuned by"] = sum(found.values())
    return found | {"bias": bias(arm, slow, seed)} if arm in ("unweighted", "duration-aware") else found
