"""RLMEC: a model that rewrites wrong solutions under as few edits as may be says by its probabilities which steps were wrong, and what it writes is learned where it was edited.

World: 16 problems with solutions in up to four steps (``worlds.finite.solutions``, modulo 5); the policy sees the number said last and the next operation (``_learning``), and is
right one time in four at the start. It answers eight problems eight times each; these answers are all that there is to learn from, and the eight other problems are asked about.
A teacher rewrites those to the first four problems into the right solution that is the fewest edits away. The rewriter, a softmax over what the policy sees, the step that stood
there and both together, learns to write that (as many answers that were right stay as they are), and then rewrites all; what is still wrong is dropped. A seed is another world,
policy and draws.

Arms: "outcome", PPO's clip on the outcome less that of the other answers to the problem; "right ones", likelihood of the answers that were right; "rewritten", likelihood of all
answers as rewritten; "RLMEC", PPO's clip (0.3) on the likelihood of each step for the rewriter (``rewriter_likelihood``), plus lambda times the likelihood of what was rewritten,
weighed by ``edit_weights``. 40 plain gradient steps on all data each (Adam's would make as large what only one term
sees of a table's rows as what all do); learning rates, and lambda, are tuned by "accuracy", with nine trials for each.

* "accuracy": exact, on the problems asked about, the mean after 10, 20 and 40 steps.
* "told apart": of wrong answers to the problems asked about, how often a right step is more probable than a wrong one; for the "rewriter", and for the "policy" at the start.

Source: Chen et al. 2024, arXiv 2401.06081, the abstract, and authors' code (Timothy023/RLMEC: ``gen_rlmec_data_math.py``, ``train_rlmec.py``). There the policy's loss is the
clipped weight times the log-probability, so that a step beyond the bound still moves; here it is PPO's. There models of 7 B, a rewriter that is shown the right solution and
learned from some thousand rewritten by a larger model. Chosen here: the world and the rewriter, which sees no solution. The smallest differences of interest: 0.02 of accuracy,
0.03 of "told apart".
"""

from functools import lru_cache

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.process_rewards._learning import tied
from guerdon.atlas.process_rewards._steps import Drawn, drawn
from guerdon.credit.advantages.leave_one_out import LeaveOneOut
from guerdon.credit.advantages.rewriter_likelihood import RewriterLikelihood
from guerdon.data.curation.edit_weights import EditWeights
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.tied_table import TiedPolicy
from guerdon.randomness import derive
from guerdon.worlds.finite.solutions import Solutions

system = System(
    title="Improving Large Language Models via Fine-grained Reinforcement Learning with Minimum Editing Constraint",
    link="https://arxiv.org/abs/2401.06081",
    kind="method",
    builds_on=("rewriter-likelihood", "edit-weights", "clip", "negative-log-likelihood"),
    read="code",
    note=(
        "Wrong steps are told apart by the rewriter (0.88), a little worse than by the policy's own probability (0.91), for both know the same and the rewriter learned "
        "from a few answers. RLMEC is ahead of the outcome by 0.17 of accuracy and of the right answers alone by 0.10; nearly all of that is what was rewritten, of "
        "which plain likelihood learns about as much (0.01 less, undecided)."
    ),
)
recipe = {"advantage": RewriterLikelihood(), "weights": EditWeights(), "surrogate": Clip(0.3), "imitation": NegativeLogLikelihood()}
_RATES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
GRID = {
    "outcome": {"learning_rate": _RATES},
    "right ones": {"learning_rate": _RATES},
    "rewritten": {"learning_rate": _RATES},
    "RLMEC": {"learning_rate": (4.0, 16.0, 64.0), "weight": (0.3, 1.0, 3.0)},
}
TUNED_BY = "accuracy"
SEEDS = {"smoke": 1, "full": 40, "tune": 4}
claim = AllOf(
    BetterThan("rewriter", 0.5, on="told apart", effect=0.1),
    BetterThan("rewriter", "policy", on="told apart", effect=0.03),
    BetterThan("RLMEC", "outcome", on="accuracy", effect=0.02, matched="answers, updates"),
    BetterThan("RLMEC", "right ones", on="accuracy", effect=0.02, matched="answers, updates"),
    BetterThan("RLMEC", "rewritten", on="accuracy", effect=0.02, matched="answers, updates"),
)


class Rewriter:
    """How likely each step is to be written, by what the policy sees and by the step that stood there; it starts as the policy, [looks, V], whatever stood there."""

    def __init__(self, policy: Tensor):
        looks, vocabulary = policy.shape
        shapes = ((1, vocabulary + 1, vocabulary), (looks, vocabulary + 1, vocabulary))  # one more: nothing stood there
        self.parameters = [policy.detach().clone().unsqueeze(1), *(torch.zeros(shape, dtype=policy.dtype) for shape in shapes)]
        for parameter in self.parameters:
            parameter.requires_grad_(True)

    def logp(self) -> Tensor:
        """[looks, V + 1, V]."""
        return sum(self.parameters).log_softmax(-1)

    def learn(self, look: Tensor, stood: Tensor, written: Tensor, steps: int) -> None:
        optimiser = torch.optim.AdamW(self.parameters, lr=0.1, weight_decay=0.1)
        for _ in range(steps):
            loss = -self.logp()[look, stood, written].mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()


def right_ways(world: Solutions, problem: int) -> list[list[int]]:
    """All solutions to a problem without a wrong step that end right, the shortest first."""
    good = (world.rewards()[problem] > 0) & (world.first_error()[problem] < 0)
    rows = zip(world.tree.actions[good].tolist(), world.tree.length[good].tolist(), strict=True)
    return sorted((actions[:n] for actions, n in rows), key=lambda way: (len(way), way))


def distance(old: list[int], new: list[int]) -> int:
    """Levenshtein."""
    row = list(range(len(new) + 1))
    for i, step in enumerate(old, start=1):
        above, row = row, [i]
        for j, its in enumerate(new, start=1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (step != its)))
    return row[-1]


def seen(world: Solutions, problem: int, actions: list[int]) -> list[int]:
    """What the policy sees before each step."""
    looks, node, found = world.looks()[problem], 0, []
    for action in actions:
        found.append(int(looks[node]))
        node = node * world.tree.vocabulary + action + 1
    return found


def rewrite(world: Solutions, problem: int, old: list[int], most_likely: list[list[int]]) -> list[int]:
    """What the rewriter writes in the place of an answer, step by step the most likely."""
    looks, node, found = world.looks()[problem], 0, []
    for t in range(world.depth):
        found.append(most_likely[int(looks[node])][old[t] if t < len(old) else world.tree.vocabulary])
        if found[-1] == world.answering:
            break
        node = node * world.tree.vocabulary + found[-1] + 1
    return found


@lru_cache(maxsize=4)
def data(seed: int, scale: str) -> tuple[Solutions, TiedPolicy, Drawn, Tensor, Drawn, Tensor]:
    """The world and the policy; its answers; the rewriter's log-probabilities; the answers as rewritten, those that came out right, and the weights of their steps."""
    small = scale == "smoke"
    world = Solutions(contexts=8 if small else 16, depth=3 if small else 4, values=5, most=2 if small else 3, seed=derive(seed, "world"))
    policy = tied(world, seed, slip=0.35)
    half = world.contexts // 2
    some = drawn(world, policy, range(half), 4 if small else 8, derive(seed, "answers"))
    answers = some.rows(some.action)
    learned: tuple[list[int], list[int], list[int]] = ([], [], [])
    rights = 0
    wrongs = [b for b, c in enumerate(some.problem.tolist()) if c < half // 2 and not some.outcome[b]]
    ways = {c: right_ways(world, c) for c in range(half // 2)}
    for b, c in enumerate(some.problem.tolist()):
        if c >= half // 2 or (some.outcome[b] and rights == len(wrongs)):
            continue
        rights += int(some.outcome[b])
        new = answers[b] if some.outcome[b] else min(ways[c], key=lambda way: distance(answers[b], way))
        for kept, more in zip(learned, (seen(world, c, new), stood(world, answers[b], len(new)), new), strict=True):
            kept += more
    rewriter = Rewriter(policy.module["table"])
    rewriter.learn(*(torch.tensor(x) for x in learned), steps=20 if small else 100)
    table = rewriter.logp().detach()
    likely = table.argmax(-1).tolist()
    rows = []
    for b, c in enumerate(some.problem.tolist()):
        new = answers[b] if some.outcome[b] else rewrite(world, c, answers[b], likely)
        if new[-1] == world.answering and outcome(world, c, new):
            rows.append({"prompt": c, "rejected": answers[b], "chosen": new})
    told = EditWeights()(rows)
    written = padded(world, [row["prompt"] for row in told], [row["completion"] for row in told])
    weights = torch.zeros(written.mask.shape, dtype=torch.float64)
    for b, row in enumerate(told):
        weights[b, : len(row["weights"])] = torch.tensor(row["weights"], dtype=torch.float64)
    return world, policy, some, table, written, weights


def stood(world: Solutions, old: list[int], length: int) -> list[int]:
    return [old[t] if t < len(old) else world.tree.vocabulary for t in range(length)]


def outcome(world: Solutions, problem: int, actions: list[int]) -> bool:
    node = int(world.tree.nodes(torch.tensor([actions]))[0, -1])
    return bool(world.ends()[problem, node, actions[-1]])


def padded(world: Solutions, problems: list[int], answers: list[list[int]]) -> Drawn:
    longest = world.depth
    action = torch.tensor([own + [0] * (longest - len(own)) for own in answers])
    mask = torch.arange(longest) < torch.tensor([len(own) for own in answers]).unsqueeze(-1)
    return Drawn(torch.tensor(problems), world.tree.nodes(action), action, mask, torch.ones(len(answers), dtype=torch.float64))


def of_rewriter(world: Solutions, table: Tensor, some: Drawn) -> Tensor:
    """[B, T], the rewriter's log-probability of each step of an answer that it is shown."""
    look = world.looks()[some.problem.unsqueeze(-1), some.node]
    return torch.where(some.mask, table[look, some.action, some.action], 0.0)


def trial(arm: str, seed: int, scale: str, learning_rate: float, weight: float = 1.0) -> dict[str, float]:
    world, start, some, table, written, weights = data(seed, scale)
    policy, rewards = start.reference(), world.rewards()
    policy.module.requires_grad_(True)
    stops = (1, 2, 3) if scale == "smoke" else (10, 20, 40)
    old_logp = some.of(start.logits.detach().log_softmax(-1))
    right = some.mask & (some.outcome > 0).unsqueeze(-1)
    if arm == "outcome":
        advantage = LeaveOneOut()(reward=some.outcome, group=some.problem, mask=some.mask)
    else:
        advantage = RewriterLikelihood()(of_rewriter(world, table, some), some.outcome, some.mask)
    optimiser, found = torch.optim.SGD(policy.module.parameters(), lr=learning_rate), []
    for step in range(1, max(stops) + 1):
        logp = policy.logits.log_softmax(-1)
        acts, likely = Clip(0.3)(some.of(logp), old_logp, advantage), NegativeLogLikelihood()(written.of(logp))
        loss = {
            "outcome": lambda a=acts: a[some.mask].mean(),
            "right ones": lambda p=logp: NegativeLogLikelihood()(some.of(p))[right].mean(),
            "rewritten": lambda a=likely: a[written.mask].mean(),
            "RLMEC": lambda a=acts, b=likely: a[advantage != 0].mean() + weight * (weights * b)[written.mask].mean(),
        }[arm]()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step in stops:
            found.append(float(policy.expect(rewards).detach()[world.contexts // 2 :].mean()))
    return {"accuracy": sum(found) / len(found), "at the end": found[-1]}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    world, start, _, table, _, _ = data(seed, scale)
    asked = drawn(world, start, range(world.contexts // 2, world.contexts), 8 if scale == "smoke" else 32, derive(seed, "asked"))
    asked = asked.select(asked.outcome == 0)
    wrong = asked.of(~world.right())
    logp = {"rewriter": of_rewriter(world, table, asked), "policy": asked.of(start.logits.detach().log_softmax(-1))}
    apart = {name: {"told apart": ranked(own[asked.mask & ~wrong], own[asked.mask & wrong])} for name, own in logp.items()}
    return apart | {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}


def ranked(above: Tensor, below: Tensor) -> float:
    """How often one of ``above`` is more than one of ``below``; of equal ones half counts."""
    difference = above.unsqueeze(-1) - below
    return float(((difference > 0).double() + (difference == 0).double() / 2).mean())
