"""BR-RM: a judge first chooses what to look at again, then looks again at this alone, and judges by it.

World: pairs of answers that differ in one of four criteria, which one is hidden (``worlds.finite.deliberations`` with four kinds of pairs and four looks; a look at the criterion
that counts is right in 95 % of clear cases, one at another in 55 %). What is seen of the kind is blurred, and what is seen of a criterion is blurred anew at every look; an
impression is right in 65 %. A judge may choose a criterion, softmax(about . choose); it reads what it looks at as a word for the first, for the second or neither,
softmax(seen . read + word); and its verdict is the first answer with

    sigmoid(sum of weigh[chosen, k] word_mk + lean impression)      over the looks m at criteria k that were taken

At the start it reads roughly and chooses by chance; a criterion that is chosen weighs 1, another 0.25, and 0.5 where there is no choice. A seed is another world and another
start. 200 labelled pairs; 80 steps of GRPO on verdicts, 1 where right and -1 where wrong, 32 pairs a step, 8 judgements of each.

* "two turns": the choice, then three looks at the criterion chosen; 4 words. "one shot": one look at each criterion; 4 words.
* "branch alone": the choice, then one look at each criterion, with weights that depend on the choice; 5 words. "rethink alone": three looks at each, no choice; 12 words.
* "scalar": a linear head on the first look at each criterion (``_judging.headed``), products with the kind among it, on the same labels, chosen by 80 more.

Measured of 400 held-out pairs: "accuracy", of what most of 33 verdicts say; "single", of one; "chosen", how often the choice is the criterion that counts.

Source: Jiao et al. 2025, arXiv 2510.23596, abstract and summaries (one to three of nine criteria; one outcome reward for both turns). Chosen here: one criterion, and that the
first turn is a choice only, without hypotheses about the answers; the format cannot be missed, so it earns no penalty. Smallest difference of interest: 0.02.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.generative_rewards._judging import headed, start
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.deliberations import Deliberations, Pairs

system = System(
    title="Think Twice: Branch-and-Rethink Reasoning Reward Model",
    link="https://arxiv.org/abs/2510.23596",
    kind="reward",
    builds_on=("grpo", "genrm", "rm-r1"),
    read="summary",
    note=(
        "To choose and then look again at this alone is ahead of either of the two, by 0.05 and 0.04, though the choice hits what counts in 0.46 of cases only, where chance is "
        "0.25. Who chooses and looks at everything as before hardly learns to choose (0.31): little comes of a choice that changes weights only."
    ),
)
CRITERIA, LABELLED, CHOOSING, HELD_OUT, STEPS, BATCH, EACH, VOTES = 4, 200, 80, 400, 80, 32, 8, 33
RELIABILITY = tuple(tuple(0.95 if kind == look else 0.55 for look in range(CRITERIA)) for kind in range(CRITERIA))
ADVANTAGE = GroupCentred()
VALUE = torch.tensor([0.0, 1.0, -1.0], dtype=torch.float64)
recipe = {"advantage": ADVANTAGE}
claim = AllOf(
    BetterThan("two turns", "one shot", on="accuracy", effect=0.02, matched="labels, updates, words"),
    BetterThan("two turns", "scalar", on="accuracy", effect=0.02, matched="labels"),
    BetterThan("two turns", "branch alone", on="accuracy", effect=0.02, matched="labels, updates"),
    BetterThan("two turns", "rethink alone", on="accuracy", effect=0.02, matched="labels, updates"),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 2}
_RATES = {"learning_rate": (0.02, 0.05, 0.1, 0.2)}
GRID = {"one shot": _RATES, "branch alone": _RATES, "rethink alone": _RATES, "two turns": _RATES}
TUNED_BY = "accuracy"


class Turns(NamedTuple):
    """What a judge does: whether it chooses a criterion, whether it then looks at this alone, and how often it looks."""

    chooses: bool
    focused: bool
    times: int


TURNS = {
    "one shot": Turns(False, False, 1),
    "branch alone": Turns(True, False, 1),
    "rethink alone": Turns(False, False, 3),
    "two turns": Turns(True, True, 3),
}


class Judge(NamedTuple):
    """Its parameters."""

    choose: Tensor  # [kind_width, K]
    read: Tensor  # [width, 3]
    word: Tensor  # [3]
    weigh: Tensor  # [K or 1, K]
    lean: Tensor  # []

    def judged(
        self, turns: Turns, about: Tensor, seen: Tensor, impression: Tensor, each: int, dice: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Choices, verdicts and their log-probabilities, [N, each], for looks [N, times, K, width]."""
        n, (times, criteria) = len(seen), seen.shape[1:3]
        choices = F.log_softmax(about @ self.choose, -1) if turns.chooses else about.new_zeros(n, 1)
        chosen = torch.multinomial(choices.detach().exp(), each, True, generator=dice)
        readings = F.log_softmax(seen @ self.read + self.word, -1)
        words = (
            torch.multinomial(readings.detach().exp().flatten(0, 2), each, True, generator=dice)
            .view(n, times * criteria, each)
            .transpose(1, 2)
        )
        written = (
            readings.flatten(1, 2).unsqueeze(1).expand(-1, each, -1, -1).gather(-1, words.unsqueeze(-1)).view(n, each, times, criteria)
        )
        looked = F.one_hot(chosen, criteria).double() if turns.focused else torch.ones(n, each, criteria, dtype=torch.float64)
        value = VALUE[words].view(n, each, times, criteria).sum(2) * looked
        odds = (self.weigh[chosen] * value).sum(-1) + self.lean * impression.unsqueeze(-1)
        verdict = (torch.rand(n, each, dtype=torch.float64, generator=dice) < torch.sigmoid(odds)).double()
        logp = choices.gather(1, chosen) + (written.sum(2) * looked).sum(-1) + F.logsigmoid(torch.where(verdict == 1, odds, -odds))
        return chosen, verdict, logp


def world_of(seed: int) -> Deliberations:
    return Deliberations(reliability=RELIABILITY, unclear=0.1, blur=0.7, kind_width=6, seed=derive(seed, "world"))


def looks(world: Deliberations, pairs: Pairs, times: int, seed: int) -> Tensor:
    """[N, times, K, width], the first look at each criterion and, blurred anew, further ones."""
    again = torch.randn(len(pairs.truth), times - 1, *pairs.seen.shape[1:], dtype=torch.float64, generator=generator(seed, "looks"))
    return torch.cat([pairs.seen.unsqueeze(1), world.codes()[pairs.evidence].unsqueeze(1) + world.blur * again], 1)


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    world, turns = world_of(seed), TURNS[arm]
    pairs, begun = world.pairs(LABELLED, derive(seed, "labelled")), start(world, seed)
    seen = looks(world, pairs, turns.times, derive(seed, "labelled"))
    weigh = torch.full((1, CRITERIA), 0.5, dtype=torch.float64)
    if turns.chooses:
        weigh = 0.25 + 0.75 * torch.eye(CRITERIA, dtype=torch.float64)
    judge = Judge(torch.zeros(world.kind_width, CRITERIA, dtype=torch.float64), begun.read, begun.word, weigh, begun.lean)
    judge = Judge(*(value.clone().requires_grad_() for value in judge))
    group, mask = torch.arange(BATCH).repeat_interleave(EACH), torch.ones(BATCH * EACH, 1, dtype=torch.bool)
    adam = torch.optim.Adam(judge, lr=learning_rate)
    for step in range(STEPS if scale == "full" else 2):
        dice = generator(seed, "step", step)
        at = torch.randperm(LABELLED, generator=dice)[:BATCH]
        _, verdict, logp = judge.judged(turns, pairs.about[at], seen[at], pairs.impression[at], EACH, dice)
        reward = 2 * (verdict == pairs.truth[at].unsqueeze(-1)).double() - 1
        credit = ADVANTAGE(reward=reward.flatten(), group=group, mask=mask).view(BATCH, EACH)
        adam.zero_grad()
        (-(credit * logp).mean()).backward()
        adam.step()
    return measured(judge, turns, world, seed)


@torch.no_grad()
def measured(judge: Judge, turns: Turns, world: Deliberations, seed: int) -> dict[str, float]:
    pairs = world.pairs(HELD_OUT, derive(seed, "held out"))
    seen = looks(world, pairs, turns.times, derive(seed, "held out"))
    chosen, verdict, _ = judge.judged(turns, pairs.about, seen, pairs.impression, VOTES, generator(seed, "measured"))
    right = (verdict == pairs.truth.unsqueeze(-1)).double().mean(-1)
    found = {"accuracy": float((right > 0.5).double().mean()), "single": float(right.mean())}
    return found | ({"chosen": float((chosen == pairs.kind.unsqueeze(-1)).double().mean())} if turns.chooses else {})


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    world = world_of(seed)
    arms = {arm: trial(arm, seed, scale, **tuned[arm]) for arm in GRID}
    pairs, held_out = world.pairs(LABELLED, derive(seed, "labelled")), world.pairs(HELD_OUT, derive(seed, "held out"))
    head = headed(start(world, seed), pairs, pairs.truth, world.pairs(CHOOSING, derive(seed, "choosing")))
    return arms | {"scalar": {"accuracy": float(((head(held_out) > 0).double() == held_out.truth).double().mean())}}
