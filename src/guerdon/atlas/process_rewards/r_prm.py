"""R-PRM: a judge of steps writes an analysis first and its verdict then; it learns from analyses that came to the right verdict, then which of its own do.

World: 96 problems with solutions in up to four steps (``worlds.finite.solutions``), of which none idles. What is said last, which operation is due and what the step says is seen
in noise, other at each step. An analysis is two words, the operation that is due (or none) and what should be said now (or that the answer is due); then comes Yes or No. One
network with a hidden layer of 32 sees the step and the words so far, and has log-odds of every next word. 8 solutions to each of 36 problems have labels, right or wrong, of their
steps through the first error. The teacher misreads each of both numbers one time in ten, reckons without error, and writes four analyses of each step, of which those stay whose
verdict is the label. A seed is another world, policy, noise and draws.

Arms: "discriminative", the network taught Yes or No alone, without words; "side by side", taught Yes or No and, apart from it, the words of the same analyses; "SFT", taught the
analyses; "R-PRM", SFT for two thirds of the steps, then DPO (beta 0.1) on pairs of its own analyses of the same steps, four each, right verdict before wrong (``verdict_pairs``).
Updates are as many for all, on all that there is; rates, for R-PRM that of DPO, are tuned by "both", the mean of both measures at 8 analyses.

* "F1": of the first error, on 30 other problems of 16 solutions each, by the mean of P(Yes) over K analyses; the threshold is that which is best on 30 further ones.
* "guided": how often an answer is right where of 8 next steps the one with the highest score is taken, on the 30 other problems, exact but for the analyses.

Source: She et al. 2025, arXiv 2503.21295, abstract, section 3 in summaries, and the authors' code: pairs (``operate-PRM-CoT-data_paired.py``), scores as the mean of P(Yes) over
ten analyses, guided search with 8 next steps (``GenPRM-Greedy-Seach-Zero-Shot.py``). There a model of 7 B, PRM800K, and analyses of a model of 70 B. Chosen here: the world, the
words, beta. With twelve labelled problems, noise of 0.35 and idling, which is always right, nobody learned to judge, and guided search idled; the world was changed for that. The
smallest differences of interest: 0.03 of F1, 0.02 of accuracy.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from guerdon.atlas import AllOf, BetterThan, GrowsWith, System
from guerdon.atlas.process_rewards._judged import first_error, greedy, success
from guerdon.atlas.process_rewards._networks import descended, network
from guerdon.atlas.process_rewards._steps import Drawn, drawn
from guerdon.atlas.process_rewards.qwen2_5_math_prm import through_first_error
from guerdon.data.curation.verdict_pairs import VerdictPairs
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.steps.step_cross_entropy import StepCrossEntropy
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.solutions import Solutions

system = System(
    title="R-PRM: Reasoning-Driven Process Reward Modeling",
    link="https://arxiv.org/abs/2503.21295",
    kind="reward",
    builds_on=("verdict-pairs", "rejection-sampling", "dpo", "step-cross-entropy", "first-error-f1", "mean"),
    read="code",
    note=(
        "A judge that writes first finds first errors far better than one that says Yes or No at once, by 0.24 of F1, with analyses of a teacher and the same labels; taught "
        "beside the verdict instead of written before it, these do not help. F1 rises with analyses, by 0.04 from one to eight. DPO adds nothing (0.02 behind SFT, undecided) "
        "and is best at a rate that hardly moves: its pairs are of steps that SFT has fitted, and take a third of the updates. Search by verdicts at once is worse than none (0.50 "
        "against about 0.6): they were never taught on steps that the policy hardly takes."
    ),
)
recipe = {"pairs": VerdictPairs(balanced=True), "R-PRM": Logistic(), "discriminative": StepCrossEntropy()}
K = (1, 2, 4, 8)
TRIES, BETA, MISREAD, BLUR = 4, 0.1, 0.1, 0.25
RATE, DECAY = 0.05, 0.1  # of SFT before DPO; the best of SFT alone, as it was explored
GRID = {arm: {"learning_rate": (0.03, 0.1, 0.3)} for arm in ("discriminative", "side by side", "SFT")}
GRID["R-PRM"] = {"preference_rate": (0.0001, 0.0003, 0.001)}
TUNED_BY = "both"
SEEDS = {"smoke": 1, "full": 20, "tune": 2}
claim = AllOf(
    BetterThan("R-PRM", "discriminative", on="F1", at=8, effect=0.03, matched="labels, updates, size"),
    BetterThan("R-PRM", "SFT", on="F1", at=8, effect=0.03, matched="labels, updates, size"),
    GrowsWith("R-PRM", on="F1", by=0.01),
    BetterThan("R-PRM", "discriminative", on="guided", effect=0.02, matched="labels, updates, size"),
)


class Analyses(NamedTuple):
    """M analyses: of which step, the operation that is due, what should be said, and the verdict."""

    of: Tensor
    due: Tensor
    next: Tensor
    yes: Tensor

    def select(self, rows: Tensor | Sequence[int]) -> "Analyses":
        return Analyses(*(field[rows] for field in self))


class Data(NamedTuple):
    world: Solutions
    policy: TablePolicy
    seen: Tensor  # [C, P, V, D]
    right: Tensor  # [C, P, V]
    taught: Tensor  # [M, D], the labelled steps
    labels: Tensor  # [M]
    analyses: Analyses  # of the labelled steps, as far as they agree with the labels
    asked: tuple[tuple[Drawn, Tensor], tuple[Drawn, Tensor]]  # with their first errors


@lru_cache(maxsize=2)
def data(seed: int, scale: str) -> Data:
    small = scale == "smoke"
    world = Solutions(contexts=96, depth=4, seed=derive(seed, "world"))
    policy, right, rng = world.start(idle=0.0, seed=derive(seed, "policy")), world.right(), generator(seed, "seen")
    due, said = _due(world), world.states().said
    told = torch.cat([F.one_hot(said, world.values), F.one_hot(due, world.values)], -1).double().unsqueeze(2)
    step = F.one_hot(torch.arange(world.tree.vocabulary)).double()
    seen = torch.cat([told.expand(*right.shape, -1), step.expand(*right.shape, -1)], -1)
    seen = seen + BLUR * torch.randn(seen.shape, dtype=torch.float64, generator=rng)
    some = drawn(world, policy, range(36), 2 if small else 8, derive(seed, "labelled"))
    judged = through_first_error(some, some.of(right))[1]
    truth = torch.stack(
        [t.unsqueeze(-1).expand(right.shape) for t in (said, due)] + [torch.arange(world.tree.vocabulary).expand(right.shape)], -1
    )
    labels = some.of(right)[judged]
    analyses = teacher(world, some.of(truth)[judged], derive(seed, "teacher"))
    kept = analyses.select(analyses.yes == labels[analyses.of])
    sets = [drawn(world, policy, range(6 + 30 * k, 36 + 30 * k), 4 if small else 16, derive(seed, "asked", k)) for k in (1, 2)]
    return Data(
        world, policy, seen, right, some.of(seen)[judged], labels.double(), kept, tuple((own, own.first(~own.of(right))) for own in sets)
    )


def _due(world: Solutions) -> Tensor:
    """[C, P], the operation that is due, 0 for none."""
    return world.looks() % world.values


def teacher(world: Solutions, truth: Tensor, seed: int) -> Analyses:
    """``TRIES`` analyses of each step; ``truth`` [M, 3]: what was said last, what is due, what the step says."""
    rng, many = generator(seed, "reading"), truth.repeat(TRIES, 1)

    def read(number: Tensor) -> Tensor:
        other = torch.randint(world.values, number.shape, generator=rng)
        return torch.where(torch.rand(number.shape, generator=rng) < MISREAD, other, number)

    said, due, step = read(many[:, 0]), read(many[:, 1]), many[:, 2]
    following = torch.where(due == 0, world.values, (said + due) % world.values)
    means = torch.where(following == world.values, world.answering, following)
    yes = (step == means) | (step == world.idling)
    return Analyses(torch.arange(len(truth)).repeat(TRIES), due, following, yes)


class Judge:
    """A network that sees a step and the words so far. Words: ``values`` for what is due, one more for what should be said."""

    def __init__(self, width: int, values: int, seed: int) -> None:
        self.width, self.values = width, values
        self.module: nn.Module = network(width + 2 * values + 1, 2 * values + 2, seed, units=32)

    def said(self, seen: Tensor, due: Tensor | None = None, following: Tensor | None = None) -> Tensor:
        """Log-odds of the verdict and logits of both words, [M, 2 values + 2], after the words that are given."""
        places = seen.new_zeros(len(seen), 2 * self.values + 1)
        if due is not None:
            places = torch.cat([F.one_hot(due, self.values).double(), places[:, self.values :]], -1)
        if following is not None:
            places = torch.cat([places[:, : self.values], F.one_hot(following, self.values + 1).double()], -1)
        return self.module(torch.cat([seen, places], -1))

    def parts(self, said: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The log-odds of Yes, and the log-probabilities of both words."""
        return said[:, 0], said[:, 1 : self.values + 1].log_softmax(-1), said[:, self.values + 1 :].log_softmax(-1)

    def logp(self, seen: Tensor, analyses: Analyses) -> Tensor:
        """[M] of whole analyses with their verdicts."""
        of = seen[analyses.of]
        first = self.parts(self.said(of))[1].gather(1, analyses.due.unsqueeze(-1)).squeeze(-1)
        second = self.parts(self.said(of, analyses.due))[2].gather(1, analyses.next.unsqueeze(-1)).squeeze(-1)
        return first + second - StepCrossEntropy()(self.said(of, analyses.due, analyses.next)[:, 0], analyses.yes.double())

    @torch.no_grad()
    def written(self, seen: Tensor, each: int, seed: int) -> tuple[Analyses, Tensor]:
        """``each`` analyses of each step [M, D], those of one step next to each other, and the P(Yes) of each."""
        rng, of = generator(seed, "writing"), torch.arange(len(seen)).repeat_interleave(each)
        first = torch.multinomial(self.parts(self.said(seen))[1].exp(), each, replacement=True, generator=rng).flatten()
        second = torch.multinomial(self.parts(self.said(seen[of], first))[2].exp(), 1, generator=rng).squeeze(-1)
        yes = self.said(seen[of], first, second)[:, 0].sigmoid()
        return Analyses(of, first, second, torch.rand(yes.shape, generator=rng, dtype=torch.float64) < yes), yes


def judge(arm: str, found: Data, seed: int, scale: str, learning_rate: float, preference_rate: float) -> Judge:
    """The judge of an arm, taught."""
    model, steps = Judge(found.seen.shape[-1], found.world.values, derive(seed, "judge")), 20 if scale == "smoke" else 150
    seen, labels, told, loss = found.taught, found.labels, found.analyses, StepCrossEntropy()

    def verdicts() -> Tensor:
        return loss(model.said(seen)[:, 0], labels).mean()

    def beside() -> Tensor:
        _, due, following = model.parts(model.said(seen[told.of]))
        words = due.gather(1, told.due.unsqueeze(-1)) + following.gather(1, told.next.unsqueeze(-1))
        return verdicts() - words.mean()

    def likelihood() -> Tensor:
        return -model.logp(seen, told).mean()

    first = {"discriminative": verdicts, "side by side": beside}.get(arm, likelihood)
    preferring = steps // 3 if arm == "R-PRM" else 0
    descended(model.module, first, learning_rate, steps - preferring, DECAY)
    if preferring:
        prefer(model, seen, labels, preference_rate, preferring, derive(seed, "own"))
    return model


def prefer(model: Judge, seen: Tensor, labels: Tensor, learning_rate: float, steps: int, seed: int) -> None:
    """DPO on analyses that the judge writes now."""
    own, _ = model.written(seen, TRIES, seed)
    verdicts = own.yes.view(-1, TRIES).tolist()
    rows = [
        {"prompt": m, "label": int(label), "completions": list(range(m * TRIES, (m + 1) * TRIES)), "verdicts": verdicts[m]}
        for m, label in enumerate(labels.tolist())
    ]
    pairs = VerdictPairs(seed=seed)(rows)
    if not pairs:
        return
    chosen, rejected = (own.select([pair[side] for pair in pairs]) for side in ("chosen", "rejected"))
    with torch.no_grad():
        start = [model.logp(seen, side) for side in (chosen, rejected)]

    def loss() -> Tensor:
        ahead, behind = (BETA * (model.logp(seen, side) - before) for side, before in zip((chosen, rejected), start, strict=True))
        return Logistic()(ahead, behind).mean()

    descended(model.module, loss, learning_rate, steps)


@torch.no_grad()
def scores(model: Judge, arm: str, found: Data, seed: int, at_once: int = 8192) -> Tensor:
    """[C, P, V, K], what is said of the steps of the problems that are asked about by the mean of so many analyses; 0 for the others."""
    live = numbers_so_far(found.world)
    some = found.seen[36:, live].flatten(0, -2)
    if arm in ("discriminative", "side by side"):
        means = model.said(some)[:, :1].sigmoid().expand(-1, len(K))
    else:
        each = [model.written(part, max(K), derive(seed, place))[1].view(-1, max(K)) for place, part in enumerate(some.split(at_once))]
        means = torch.cat(each).cumsum(-1)[:, [k - 1 for k in K]] / torch.tensor(K)
    table = torch.zeros(*found.right.shape, len(K), dtype=torch.float64)
    table[36:, live] = means.view(-1, int(live.sum()), found.right.shape[-1], len(K))
    return table


def numbers_so_far(world: Solutions) -> Tensor:
    """[P], the prefixes from which the policy goes on: no answer yet, nor idling."""
    live = [torch.ones(1, dtype=torch.bool)]
    for _ in range(world.depth - 1):
        live.append((live[-1].unsqueeze(-1) & (torch.arange(world.tree.vocabulary) < world.values)).flatten())
    return torch.cat(live)


def trial(arm: str, seed: int, scale: str, learning_rate: float = RATE, preference_rate: float = 0.0) -> dict:
    found = data(seed, scale)
    model = judge(arm, found, seed, scale, learning_rate, preference_rate)
    table = scores(model, arm, found, derive(seed, "asked"))
    f1 = {k: first_error(*found.asked, table[..., i]) for i, k in enumerate(K)}
    guided = success(found.world.rewards(), greedy(found.policy, table[..., -1], 8), range(36, 66))
    return {"F1": f1, "guided": guided, "both": (f1[K[-1]] + guided) / 2}
