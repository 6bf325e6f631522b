"""ArCHer: a critic of whole utterances learns off-policy from all episodes so far, and the tokens of a turn are taught by what it says of the turn.

World: a dialogue of at most twelve turns in which four things are to be said in their order. An utterance is two tokens of three (first five things of five tokens, which no
arm found in time); the right one goes on to the next thing with 0.8, one of the other eight throws back to the first, all else changes nothing. 1 is earned when all three are
said, nothing before. A seed draws what is right and what throws back.

Arms, 60 rounds of 8 episodes each, tables throughout: "token PPO" (GAE over tokens with a critic of tokens, which after every round takes ten steps towards the returns of the
round; a gradient step a round, with which the clip does nothing), "token PPO, four times" (32 episodes a round), "filtered BC" (raises the likelihood of all successful
episodes so far) and "ArCHer" (ten rounds of steps of Q and V over the replay, V towards the mean of Q under the policy; then three steps of the policy on utterances that it
says itself where the replay has been, ``utterance_critic``). A table needs no second critic. Tuned by "area": learning rate and the critic's step, the rate for filtered BC.

"success", exact, along 10, 20, 40 and 60 rounds; "area" is its mean over these.

The smallest difference of interest: 0.05 of a chance.

Source: Zhou et al. 2024, arXiv 2402.19446, abstract, and the authors' code (YifeiZhou02/ArCHer), with its discount of 0.9 and its three epochs of the actor. There GPT-2 and
Mistral on twenty questions, cities and a shop, and a hundred times fewer samples. Chosen here: the world."""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.agents_tools._acting import Process, learned
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.advantages.utterance_critic import UtteranceCritic
from guerdon.randomness import generator

system = System(
    title="ArCHer: Training Language Model Agents via Hierarchical Multi-Turn RL",
    link="https://arxiv.org/abs/2402.19446",
    kind="method",
    builds_on=("utterance-critic", "gae", "reinforce"),
    read="code",
    note="",
)
THINGS, TOKENS, TURNS, GAMMA = 4, 3, 12, 0.9
STOPS = (10, 20, 40, 60)
CREDIT = UtteranceCritic()
recipe = {"token PPO": GAE(GAMMA**0.5, 0.95), "ArCHer": CREDIT}
claim = AllOf(
    BetterThan("ArCHer", "token PPO", on="area", effect=0.05, matched="episodes"),
    BetterThan("ArCHer", "filtered BC", on="area", effect=0.05, matched="episodes"),
    BetterThan("ArCHer", "token PPO, four times", on="area", effect=0.05, matched="rounds"),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 2}
_BOTH = {"learning_rate": (9.0, 27.0, 81.0), "critic_rate": (0.1, 0.3, 0.6)}
GRID = {
    "token PPO": _BOTH,
    "token PPO, four times": _BOTH,
    "filtered BC": {"learning_rate": (1.0, 2.0, 4.0, 7.0, 10.0, 20.0, 40.0, 80.0, 160.0)},
    "ArCHer": _BOTH,
}
TUNED_BY = "area"


def dialogue(seed: int) -> tuple[Process, Tensor]:
    """States are (thing, nothing or the first token said), then the end; and what is earned, [S, A], in expectation."""
    rng = generator(seed, "dialogue")
    whole = TOKENS * TOKENS
    size = THINGS * (1 + TOKENS)
    leads = torch.zeros(size + 1, TOKENS, size + 1, dtype=torch.float64)
    earned = torch.zeros(size + 1, TOKENS, dtype=torch.float64)
    for thing in range(THINGS):
        right, wrong = torch.randperm(whole, generator=rng)[:2].tolist()
        here, onward = thing * (1 + TOKENS), (thing + 1) * (1 + TOKENS)
        for first in range(TOKENS):
            leads[here, first, here + 1 + first] = 1.0
            for second in range(TOKENS):
                said, state = first * TOKENS + second, here + 1 + first
                leads[state, second, {right: onward, wrong: 0}.get(said, here)] += 0.8 if said == right else 1.0
                if said == right:
                    leads[state, second, here] += 0.2
                    earned[state, second] = 0.8 * (thing == THINGS - 1)
    leads[-1, :, -1] = 1.0
    return Process(leads, torch.zeros(1, dtype=torch.long), 2 * TURNS), earned


def trial(arm: str, seed: int, scale: str, learning_rate: float, critic_rate: float = 0.0) -> dict:
    process, earned = dialogue(seed)
    small = scale == "smoke"
    rounds, each = (2, 4) if small else (max(STOPS), 32 if arm.endswith("times") else 8)
    end, rng = len(process.leads) - 1, generator(seed, "actor")
    value = torch.zeros(end + 1, dtype=torch.float64)
    q = torch.zeros(end + 1, TOKENS, dtype=torch.float64)  # of an utterance, by its first token's state and its second token
    replay: list[tuple[Tensor, ...]] = []
    curve: dict[int, float] = {}

    def drawn(episodes) -> dict[str, Tensor]:
        after = torch.cat([episodes.states[:, 1:], episodes.last.unsqueeze(-1)], 1)
        reward = ((after == end) & episodes.mask).double()
        if arm.startswith("token"):
            return {"step_reward": reward, "old_value": value[episodes.states], "reward": reward.sum(-1)}
        return {"step_reward": reward, "old_value": torch.zeros_like(reward), "reward": reward.sum(-1)}

    def look(step: int, logits: Tensor, episodes) -> Tensor | None:
        nonlocal value, q
        found = None
        after = torch.cat([episodes.states[:, 1:], episodes.last.unsqueeze(-1)], 1)
        won = (episodes.last == end) & episodes.mask.any(-1)
        if arm.startswith("token"):
            left = torch.zeros(len(after), dtype=torch.float64)
            targets = []
            for t in reversed(range(after.shape[1])):
                left = torch.where(after[:, t] == end, episodes.mask[:, t].double(), GAMMA**0.5 * left)
                targets.append(left)
            target = torch.stack(targets[::-1], 1)
            flat, goal = episodes.states[episodes.mask], target[episodes.mask]
            often = torch.zeros_like(value).index_add(0, flat, torch.ones_like(goal))
            mean = torch.zeros_like(value).index_add(0, flat, goal) / often.clamp(min=1)
            value = torch.where(often > 0, mean + (1 - critic_rate) ** 10 * (value - mean), value)
        elif arm == "filtered BC":
            before, kept = logits_before[0], won.nonzero().squeeze(-1)
            replay.append((episodes.states[kept][episodes.mask[kept]], episodes.actions[kept][episodes.mask[kept]]))
            states, actions = (torch.cat(part) for part in zip(*replay, strict=True))
            count = torch.zeros_like(before).index_put((states, actions), torch.ones(len(states), dtype=torch.float64), accumulate=True)
            count = count / max(1, sum(len(s) for s, _ in replay)) * len(before)
            found = before + learning_rate * (count - before.softmax(-1) * count.sum(-1, keepdim=True))
        else:
            second = episodes.mask & (episodes.states % (1 + TOKENS) > 0)
            replay.append((episodes.states[second], episodes.actions[second], after[second]))
            states, actions, onward = (torch.cat(part) for part in zip(*replay, strict=True))
            begun = states - states % (1 + TOKENS)
            found = logits_before[0]
            cell = states * TOKENS + actions
            often = torch.zeros(q.numel(), dtype=torch.float64).index_add(0, cell, torch.ones(len(cell), dtype=torch.float64)).view(q.shape)
            for _ in range(10):
                target = torch.where(onward == end, 1.0, GAMMA * value[onward])
                mean = torch.zeros(q.numel(), dtype=torch.float64).index_add(0, cell, target).view(q.shape) / often.clamp(min=1)
                q = torch.where(often > 0, q + critic_rate * (mean - q), q)
                policy = found.softmax(-1)
                inner = (policy * q).sum(-1)
                for thing in range(THINGS):
                    here = thing * (1 + TOKENS)
                    value[here] += critic_rate * ((policy[here] * inner[here + 1 : here + 1 + TOKENS]).sum() - value[here])
            for _ in range(3):
                policy = found.softmax(-1)
                here = begun[torch.randint(0, len(begun), (64,), generator=rng)]
                first = torch.multinomial(policy[here], 1, generator=rng).squeeze(-1)
                there = here + 1 + first
                last = torch.multinomial(policy[there], 1, generator=rng).squeeze(-1)
                two, zero = torch.stack([here, there], 1), torch.zeros(64, dtype=torch.float64)
                credit = CREDIT(
                    torch.stack([zero, q[there, last]], 1),
                    torch.stack([value[here], zero], 1),
                    torch.zeros_like(two),
                    torch.ones_like(two, dtype=torch.bool),
                )
                gained = torch.zeros(found.numel(), dtype=torch.float64)
                gained = gained.index_add(0, (two * TOKENS + torch.stack([first, last], 1)).flatten(), credit.flatten() / 64).view(
                    found.shape
                )
                found = found + learning_rate * (gained - policy * gained.sum(-1, keepdim=True))
        if step in STOPS:
            curve[step] = float((process.visits(logits if found is None else found)[0] * earned).sum())
        if found is not None:
            logits_before[0] = found
        return found

    logits_before = [process.logits()]
    credit = recipe["token PPO"]
    learned(process, drawn, credit, learning_rate if arm.startswith("token") else 0.0, rounds, each, seed, None, look)
    if small:
        curve = dict.fromkeys(STOPS, 0.0)
    return {"success": {float(s): curve[s] for s in STOPS}, "area": sum(curve.values()) / len(STOPS)}
