"""SPO: one policy that is rewarded for its share of wins against itself goes to the minimax winner, where a reward model has to take sides.

Worlds: *a cycle* of three answers, each win probability from U(0.6, 1), and *a line* of five answers with Bradley-Terry scores from N(0,
1). Starts have logits from N(0, 1/4). A seed is another pair of games. A fifth of all verdicts is noted down the wrong way round ("noise"),
in both.

Every step draws 16 answers and one verdict on each of their 120 pairs. "SPO" takes the share of wins as the reward. "reward model" adds the
verdicts to all before, fits Bradley-Terry scores to them (maximum likelihood with a hundredth of a win added to each pair) and takes the
score as the reward, as RLHF with a reward model that is fitted anew does. Both learn by REINFORCE with the leave-one-out baseline, Adam at
0.03, 0.1 or 0.3, whichever is best at what is measured (the same three for both), 100 steps, no KL.

Measured: on the cycle the exploitability (against the true win probabilities) of the average of the iterates, as the theory is about, and
of the last; on the line the expected score, over steps, of the last iterate.

"At least as sample-efficiently": the expected score after 30 and after 100 steps no more than 0.05 lower; scores have the deviation 1.

Source: Swamy et al. 2024, arXiv 2401.04056: the reward, the minimax winner, intransitive and noisy preferences.
Its experiments are in continuous control with a queue of trajectories and SAC; the queue is the group here.
"""

from dataclasses import replace

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas.general_preferences._games import cycle, scores
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
    note="Seen: on a cycle the average of SPO's iterates is less exploitable than that of a reward model that is fitted anew at every "
    "step, but by 0.06 and not by the 0.1 claimed: fitted to the policy's own comparisons, the reward model follows the cycle "
    "round as well. On a line the two are alike.",
)
NOISE, RATES, RIDGE, POINTS = 0.2, (0.03, 0.1, 0.3), 0.01, (10, 30, 100)
AVERAGE, LINE = "exploitability of the average", "expected score on a line"


def method(rate: float) -> Recipe:
    return replace(spo_recipe, sampler=Group(16), optimiser=AdamW(rate), reward_penalties=())


recipe = {"SPO": method(RATES[0])}
claim = AllOf(
    BetterThan("SPO", "reward model", on=AVERAGE, by=0.1, lower_is_better=True),
    *(NoWorseThan("SPO", "reward model", on=LINE, margin=0.05, at=step) for step in POINTS[1:]),
)
SEEDS = {"smoke": 1, "full": 6}


def experiment(seed: int, scale: str) -> dict:
    games = {"cycle": cycle(seed), "line": BradleyTerryPreference(actions=5, seed=derive(seed, "line"))}
    steps, rates = POINTS[-1], RATES[1:2] if scale == "smoke" else RATES
    arms = {}
    for name, scene in (("SPO", Compared), ("reward model", Modelled)):
        paths = {kind: [learned(game, scene, rate, steps, derive(seed, kind)) for rate in rates] for kind, game in games.items()}
        payoff, score = games["cycle"].preference()[0], games["line"].scores()[0]
        gaps = [(exploitability(payoff, path.mean(0)), exploitability(payoff, path[-1])) for path in paths["cycle"]]
        curves = [{n: float(path[n - 1] @ score) for n in POINTS} for path in paths["line"]]
        average, last = min(gaps)
        arms[name] = {AVERAGE: average, "exploitability of the last": last, LINE: max(curves, key=lambda curve: sum(curve.values()))}
    arms["best answer"] = {LINE: {n: float(score.max()) for n in POINTS}}
    return arms


def exploitability(payoff: Tensor, policy: Tensor) -> float:
    return float(Exploitability()(payoff, policy))


def learned(game: PreferenceGame, scene: type, rate: float, steps: int, seed: int) -> Tensor:
    """[steps, A], the policy after each step."""
    policy = game.policy(deviation=0.5, seed=derive(seed, "start")).build()
    watched = scene(game, policy)
    improve(policy, watched, game.train(), method(rate), Budget(steps=steps, batch_size=1, seed=seed), Decoding(1))
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
