"""ArCHer: a critic of whole utterances learns off-policy from all episodes so far, and the tokens of a turn are taught by what it says of the turn.

World: eight dialogues of at most twelve turns, in each of which three things are to be said in their order. An utterance is two tokens of three; the right one of the nine goes on
to the next thing with 0.8, one of the others throws back to the first, all else changes nothing. 1 is earned when all three are said, nothing before. A seed draws what is right
and what throws back. (First one dialogue of four things, in which all hung on who came upon the first success, and whoever had seen one had learned it all.)

Arms, 30 rounds of one episode of each dialogue, tables throughout, twelve steps of the policy (all arms gain by them over three) and ten of a critic in each round:

* "token PPO": GAE over tokens with a critic of tokens that goes towards the returns of the round, and the clip; "token PPO, four times": four episodes of each.
* "filtered BC": raises the likelihood of all successful episodes so far.
* "ArCHer": Q of utterances by TD over the replay, V towards the mean of Q under the policy; the policy steps on 64 utterances that it says itself where the replay has been,
  with ``utterance_critic``.
* "token critic on replay": the same with a critic of single tokens, for whom a turn takes two steps: whether it is the replay or the level that does it.

A table needs no second critic. Discount 0.9 a turn. Rates are tuned by "area".

"success", exact, along 5, 10, 20 and 30 rounds; "area" is its mean over these.

The smallest difference of interest: 0.05 of a chance.

Source: Zhou et al. 2024, arXiv 2402.19446, abstract, and the authors' code (YifeiZhou02/ArCHer, ``archer/trainer.py`` and ``offpolicy_train_loop.py``): targets of Q and V, the
discount, the critic before the actor, the actor at states of the replay. There GPT-2 and Mistral on twenty questions, cities and a shop, rounds in which the
critic learns alone, and a hundred times fewer samples. Chosen here: the world."""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.agents_tools._acting import Episodes, Process
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.advantages.utterance_critic import UtteranceCritic
from guerdon.losses.surrogates.clip import Clip
from guerdon.randomness import generator

system = System(
    title="ArCHer: Training Language Model Agents via Hierarchical Multi-Turn RL",
    link="https://arxiv.org/abs/2402.19446",
    kind="method",
    builds_on=("utterance-critic", "gae", "clip"),
    read="code",
    note=(
        "From as many episodes it learns more than token PPO (by 0.08 of area) and filtered BC (by 0.14). But four times as many episodes do much more for PPO than the "
        "replay does for ArCHer (0.31), far from a hundredfold; and a critic of single tokens on the same replay does as well (within 0.05), so that it is the replay that "
        "helps and not the level. Utterances of two tokens give a level little to do. Ten seeds."
    ),
)
TALKS, THINGS, TOKENS, TURNS, GAMMA = 8, 3, 3, 12, 0.9
PLACES = TALKS * THINGS  # where a turn begins
SIZE = PLACES * (1 + TOKENS)  # states but the end
STOPS, OWN, POLICY_STEPS, CRITIC_STEPS = (5, 10, 20, 30), 64, 12, 10
CREDIT, CLIP = UtteranceCritic(), Clip()
recipe = {"token PPO": GAE(GAMMA**0.5, 0.95), "ArCHer": CREDIT}
claim = AllOf(
    BetterThan("ArCHer", "token PPO", on="area", effect=0.05, matched="episodes, updates"),
    BetterThan("ArCHer", "filtered BC", on="area", effect=0.05, matched="episodes, updates"),
    BetterThan("ArCHer", "token PPO, four times", on="area", effect=0.05, matched="updates"),
    BetterThan("ArCHer", "token critic on replay", on="area", effect=0.05, matched="episodes, updates"),
)
SEEDS = {"smoke": 1, "full": 10, "tune": 2}
GRID = {
    "token PPO": {"learning_rate": (3.0, 9.0, 27.0, 81.0)},
    "token PPO, four times": {"learning_rate": (3.0, 9.0, 27.0, 81.0)},
    "filtered BC": {"learning_rate": (0.1, 0.3, 1.0, 3.0)},
    "token critic on replay": {"learning_rate": (81.0, 243.0, 729.0, 2187.0)},
    "ArCHer": {"learning_rate": (81.0, 243.0, 729.0, 2187.0)},
}
TUNED_BY = "area"


def dialogue(seed: int) -> tuple[Process, Tensor]:
    """States are (dialogue, thing, nothing or the first token said), then the end; and what is earned, [S, A], in expectation."""
    rng = generator(seed, "dialogue")
    leads = torch.zeros(SIZE + 1, TOKENS, SIZE + 1, dtype=torch.float64)
    earned = torch.zeros(SIZE + 1, TOKENS, dtype=torch.float64)
    for place in range(PLACES):
        right, wrong = torch.randperm(TOKENS * TOKENS, generator=rng)[:2].tolist()
        here, last = place * (1 + TOKENS), place % THINGS == THINGS - 1
        onward, back = SIZE if last else here + 1 + TOKENS, (place - place % THINGS) * (1 + TOKENS)
        for first in range(TOKENS):
            leads[here, first, here + 1 + first] = 1.0
            for second in range(TOKENS):
                said, state = first * TOKENS + second, here + 1 + first
                leads[state, second, {right: onward, wrong: back}.get(said, here)] += 0.8 if said == right else 1.0
                if said == right:
                    leads[state, second, here] += 0.2
                    earned[state, second] = 0.8 * last
    leads[-1, :, -1] = 1.0
    return Process(leads, THINGS * (1 + TOKENS) * torch.arange(TALKS), 2 * TURNS), earned


def counted(size: tuple[int, ...], *index: Tensor) -> Tensor:
    return torch.zeros(size, dtype=torch.float64).index_put(index, torch.ones(len(index[0]), dtype=torch.float64), accumulate=True)


def climbed(logits: Tensor, states: Tensor, actions: Tensor, weight: Tensor, rate: float) -> Tensor:
    """One step up the policy gradient, from flat steps with a weight each."""
    gained = torch.zeros_like(logits).index_put((states, actions), weight, accumulate=True)
    return logits + rate * (gained - logits.softmax(-1) * gained.sum(-1, keepdim=True))


def after(episodes: Episodes) -> Tensor:
    return torch.cat([episodes.states[:, 1:], episodes.last.unsqueeze(-1)], 1)


class TokenPPO:
    critic_rate = 0.1

    def __init__(self, rate: float, seed: int):
        self.rate, self.value = rate, torch.zeros(SIZE + 1, dtype=torch.float64)

    def step(self, logits: Tensor, episodes: Episodes) -> Tensor:
        mask, states, actions = episodes.mask, episodes.states, episodes.actions
        reward = ((after(episodes) == SIZE) & mask).double()
        advantage = recipe["token PPO"](reward, self.value[states], mask)
        goal, goals = torch.zeros(len(mask), dtype=torch.float64), []
        for t in reversed(range(mask.shape[1])):
            goal = reward[:, t] + GAMMA**0.5 * goal
            goals.append(goal)
        often = counted((SIZE + 1,), states[mask])
        mean = torch.zeros(SIZE + 1, dtype=torch.float64).index_add(0, states[mask], torch.stack(goals[::-1], 1)[mask]) / often.clamp(min=1)
        left = (1 - self.critic_rate) ** CRITIC_STEPS
        self.value = torch.where(often > 0, mean + left * (self.value - mean), self.value)
        old = logits.log_softmax(-1)[states, actions]
        for _ in range(POLICY_STEPS):
            logp = logits.log_softmax(-1)[states, actions].requires_grad_()
            (slope,) = torch.autograd.grad((CLIP(logp, old, advantage) * mask).sum() / len(mask), logp)
            logits = climbed(logits, states[mask], actions[mask], -slope[mask], self.rate)
        return logits


class FilteredBC:
    def __init__(self, rate: float, seed: int):
        self.rate, self.count = rate, torch.zeros(SIZE + 1, TOKENS, dtype=torch.float64)

    def step(self, logits: Tensor, episodes: Episodes) -> Tensor:
        kept = episodes.mask & (episodes.last == SIZE).unsqueeze(-1)
        self.count += counted((SIZE + 1, TOKENS), episodes.states[kept], episodes.actions[kept])
        share = self.count * SIZE / self.count.sum().clamp(min=1)
        for _ in range(POLICY_STEPS):
            logits = logits + self.rate * (share - logits.softmax(-1) * share.sum(-1, keepdim=True))
        return logits


class OnReplay:
    """The replay is how often what was done led where; decisions are tokens."""

    gamma, critic_rate = GAMMA**0.5, 0.5

    def __init__(self, rate: float, seed: int):
        self.rate, self.rng = rate, generator(seed, "actor")
        self.begun = torch.zeros(PLACES, dtype=torch.float64)  # where the replay has been when a turn began
        self.replay = self.none()
        self.q, self.value = torch.zeros(self.replay.shape[:2], dtype=torch.float64), torch.zeros(self.replay.shape[2], dtype=torch.float64)

    def none(self) -> Tensor:
        return torch.zeros(SIZE + 1, TOKENS, SIZE + 1, dtype=torch.float64)

    def led(self, episodes: Episodes) -> Tensor:
        mask = episodes.mask
        return counted(self.replay.shape, episodes.states[mask], episodes.actions[mask], after(episodes)[mask])

    def chances(self, logits: Tensor) -> Tensor:
        return logits.softmax(-1)

    def credit(self, here: Tensor, there: Tensor, first: Tensor, last: Tensor) -> Tensor:
        return torch.stack([self.q[here, first] - self.value[here], self.q[there, last] - self.value[there]], 1)

    def step(self, logits: Tensor, episodes: Episodes) -> Tensor:
        self.replay = self.replay + self.led(episodes)
        begins = episodes.mask & (episodes.states % (1 + TOKENS) == 0)
        self.begun = self.begun + counted((PLACES,), episodes.states[begins] // (1 + TOKENS))
        often = self.replay.sum(-1)
        chances = self.chances(logits)
        for _ in range(CRITIC_STEPS):
            onward = self.gamma * self.value
            onward[-1] = 1.0  # earned, and over
            target = self.replay @ onward / often.clamp(min=1)
            self.q = torch.where(often > 0, self.q + self.critic_rate * (target - self.q), self.q)
            self.value[: len(chances)] += self.critic_rate * ((chances * self.q).sum(-1) - self.value[: len(chances)])
            self.value[-1] = 0.0
        for _ in range(POLICY_STEPS):
            policy = logits.softmax(-1)
            here = (1 + TOKENS) * torch.multinomial(self.begun, OWN, replacement=True, generator=self.rng)
            first = torch.multinomial(policy[here], 1, generator=self.rng).squeeze(-1)
            there = here + 1 + first
            last = torch.multinomial(policy[there], 1, generator=self.rng).squeeze(-1)
            credit = self.credit(here, there, first, last) / OWN
            logits = climbed(logits, torch.cat([here, there]), torch.cat([first, last]), credit.T.flatten(), self.rate)
        return logits


class ArCHer(OnReplay):
    """Decisions are whole utterances."""

    gamma = GAMMA

    def none(self) -> Tensor:
        return torch.zeros(PLACES, TOKENS * TOKENS, PLACES + 1, dtype=torch.float64)

    def led(self, episodes: Episodes) -> Tensor:
        second = episodes.mask & (episodes.states % (1 + TOKENS) > 0)
        state = episodes.states[second]
        said = (state % (1 + TOKENS) - 1) * TOKENS + episodes.actions[second]
        return counted(self.replay.shape, state // (1 + TOKENS), said, after(episodes)[second] // (1 + TOKENS))

    def chances(self, logits: Tensor) -> Tensor:
        policy = logits[:SIZE].softmax(-1).view(PLACES, 1 + TOKENS, TOKENS)
        return (policy[:, 0].unsqueeze(-1) * policy[:, 1:]).flatten(1)

    def credit(self, here: Tensor, there: Tensor, first: Tensor, last: Tensor) -> Tensor:
        place, none, mask = here // (1 + TOKENS), torch.zeros(len(here), dtype=torch.float64), torch.ones(len(here), 2, dtype=torch.bool)
        q, value = self.q[place, first * TOKENS + last], self.value[place]
        return CREDIT(torch.stack([none, q], 1), torch.stack([value, none], 1), torch.zeros_like(mask, dtype=torch.long), mask)


LEARNERS = {
    "token PPO": TokenPPO,
    "token PPO, four times": TokenPPO,
    "filtered BC": FilteredBC,
    "token critic on replay": OnReplay,
    "ArCHer": ArCHer,
}


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    process, earned = dialogue(seed)
    rounds, each = (2, 1) if scale == "smoke" else (max(STOPS), 4 if arm.endswith("times") else 1)
    logits, rng, learner, curve = process.logits(), generator(seed, "acting"), LEARNERS[arm](learning_rate, seed), {}
    for now in range(1, rounds + 1):
        logits = learner.step(logits, process.acted(logits, each, rng))
        if now in STOPS or now == rounds:
            curve[now] = float((process.visits(logits)[0] * earned).sum())
    success = {float(stop): curve.get(stop, curve[rounds]) for stop in STOPS}
    return {"success": success, "area": sum(success.values()) / len(STOPS)}
