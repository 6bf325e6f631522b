"""SPO: one policy that is rewarded for its share of wins against itself goes to the minimax winner, where a reward model has to take sides.

Worlds: *a cycle* of three answers, each win probability from U(0.6, 1), and *a line* of five answers with Bradley-Terry scores from N(0, 1). Starts have logits from
N(0, 1/4). A seed is another pair of games. A fifth of all verdicts is noted down the wrong way round ("noise"), in both.

Every step draws 16 answers and one verdict on each of their 120 pairs. "SPO" takes the share of wins as the reward, less 1/2. "reward model" adds the verdicts to
all before, fits Bradley-Terry scores to them (maximum likelihood with a hundredth of a win added to each pair) and takes the score as the reward, less the mean
score of the others, as RLHF with a reward model that is fitted anew does. Both learn by REINFORCE with Adam, 100 steps, no KL; the learning rate is tuned for each
of the two in each of the worlds, by what is measured there. Fitted to the policy's own comparisons, the reward model may follow the cycle round: it can win.

Measured: on the cycle the exploitability (against the true win probabilities) of the average of the iterates, as the theory is about, and of the last; on the line
the expected score, over steps, of the last iterate. 0.05 of exploitability, two and a half wins of a hundred, is what anybody would care about, and 0.05 of a
score whose deviation over answers is 1.

Before, the learning rate was the best for each seed with hindsight, and both had the baseline of the other answers, which for shares of wins holds the answer
itself (see ``recipes.spo``).

Source: Swamy et al. 2024, arXiv 2401.04056: the reward, the minimax winner, intransitive and noisy preferences. Its experiments are in continuous control with a
queue of trajectories and SAC; the queue is the group here. The sizes are ours.
"""

from dataclasses import replace

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas.general_preferences._games import cycle, scores
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.exact.solvers.exploitability import Exploitability
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive, generator
from guerdon.recipes.spo import recipe as spo_recipe
from guerdon.sequences import Decoding, Sequences
from guerdon.training.judging import FiniteScene, Judged
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe
from guerdon.worlds.finite.bradley_terry_preference import BradleyTerryPreference
from guerdon.worlds.finite.preference import PreferenceGame

system = System(
    title="A Minimaximalist Approach to Reinforcement Learning from Human Feedback",
    link="https://arxiv.org/abs/2401.04056",
    kind="method",
    builds_on=("win-rate", "leave-one-out", "bradley-terry-reward-model", "exploitability"),
    read="abstract",
    note=("The average over the iterates is what is less exploitable; the last iterate is not, and on a line a reward model does as well."),
)
NOISE, RIDGE, POINTS = 0.2, 0.01, (10, 30, 100)
AVERAGE, LINE = "exploitability of the average", "expected score on a line"
spo = replace(spo_recipe, sampler=Group(16), reward_penalties=())
recipe = {"SPO": spo, "reward model": replace(spo, advantage=LeaveOneOut())}
_RATES = {"learning_rate": (0.01, 0.03, 0.1, 0.3)}
GRID = {f"{arm} on a {world}": _RATES for world in ("cycle", "line") for arm in ("reward model", "SPO")}
TUNED_BY = "success"
claim = AllOf(
    BetterThan("SPO", "reward model", on=AVERAGE, effect=0.05, lower_is_better=True, matched="verdicts, updates"),
    *(NoWorseThan("SPO", "reward model", on=LINE, margin=0.05, at=step, matched="verdicts, updates") for step in POINTS[1:]),
)
SEEDS = {"smoke": 1, "full": 24, "tune": 4}


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    name, world = arm.split(" on a ")
    game = cycle(seed) if world == "cycle" else BradleyTerryPreference(actions=5, seed=derive(seed, "line"))
    method = replace(recipe[name], optimiser=AdamW(learning_rate))
    path = learned(game, Compared if name == "SPO" else Modelled, method, derive(seed, world))
    if world == "line":
        score = game.scores()[0]
        curve = {n: float(path[n - 1] @ score) for n in POINTS}
        return {LINE: curve, "success": sum(curve.values()) / len(curve)}
    average, last = (float(Exploitability()(game.preference()[0], policy)) for policy in (path.mean(0), path[-1]))
    return {AVERAGE: average, "exploitability of the last": last, "success": -average}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms: dict[str, dict] = {name: {} for name in recipe}
    for arm, setting in tuned.items():
        found = trial(arm, seed, scale, **setting)
        arms[arm.split(" on a ")[0]] |= {measure: value for measure, value in found.items() if measure != "success"}
    return arms


def learned(game: PreferenceGame, scene: type, method: Recipe, seed: int) -> Tensor:
    """[steps, A], the policy after each step."""
    policy = game.policy(deviation=0.5, seed=derive(seed, "start")).build()
    watched = scene(game, policy)
    improve(policy, watched, game.train(), method, Budget(steps=POINTS[-1], batch_size=1, seed=seed), Decoding(1))
    return torch.stack([*watched.path[1:], policy.probabilities(0).detach()])


class Compared(FiniteScene):
    """One noisy verdict on each pair of a group; the reward is the share of wins. Notes down the policy that acted."""

    def __init__(self, game: PreferenceGame, policy: TablePolicy):
        super().__init__(game)
        self.policy, self.path = policy, []

    def judge(self, rollouts: Sequences, rows, seed: int) -> Judged:
        self.path.append(self.policy.probabilities(0).detach())
        judged = super().judge(rollouts, rows, seed)
        judged.scored.components["world"] = self.reward(rollouts.actions[:, 0], self.verdicts(rollouts, seed))
        return judged

    def verdicts(self, rollouts: Sequences, seed: int) -> Tensor:
        """[B, B], 1 where the row won; 0 on the diagonal."""
        answer = rollouts.actions[:, 0]
        likely = self.world.preference()[0][answer.unsqueeze(-1), answer]
        noisy = (1 - NOISE) * likely + NOISE * (1 - likely)
        won = (torch.rand(likely.shape, dtype=torch.float64, generator=generator(seed, "verdicts")) < noisy).double().triu(1)
        return won + (torch.ones_like(won).triu(1) - won).T

    def reward(self, answer: Tensor, won: Tensor) -> Tensor:
        """[B], the share of the others that each beat."""
        return won.sum(-1) / (len(won) - 1)


class Modelled(Compared):
    """The reward is the score of a Bradley-Terry model of all verdicts so far."""

    def __init__(self, game: PreferenceGame, policy: TablePolicy):
        super().__init__(game, policy)
        self.wins = torch.full((game.actions, game.actions), RIDGE, dtype=torch.float64)

    def reward(self, answer: Tensor, won: Tensor) -> Tensor:
        who = torch.nn.functional.one_hot(answer, len(self.wins)).double()
        self.wins += who.T @ won @ who
        return scores(self.wins.fill_diagonal_(0.0))[answer]
