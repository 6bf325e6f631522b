"""Self-certainty: of many answers take the one in which the policy was surest, or let answers vote by how sure it was.

World: ``worlds.finite.solutions``, 24 problems with steps that are right or wrong. The policy has learned from 300 solutions of a teacher who slips in a fifth of the steps:
it takes each next step as often as the teacher did where things looked alike (a tenth of a count for each step besides): the number said last, the next operation, and whether
all was in order so far. So it knows some steps well, hardly others, and a few of them wrongly, and is least sure where something went wrong before, which it has seldom seen.
A seed is another world, teacher's solutions and draws. "blind" is a policy that does not see whether all was in order: it was the first world that was tried, and is kept, because
nothing in it makes a policy less sure after an error.

Arms choose one of the same N answers of each problem, drawn anew 5 times: the highest self-certainty (mean over steps of KL(uniform || next step)), the highest mean
log-probability, the lowest mean entropy, the answer that most reach (majority), the same with votes by the place in self-certainty (Borda, the authors' power of 0.5, and 2), and
the first answer.

Measured: "accuracy", the share of problems and draws in which the chosen answer is right, along N; "accuracy, blind", the same of the blind policy, of which nothing is claimed.

Source: Kang, Zhao and Song 2025, Scalable Best-of-N Selection for Large Language Models via Self-Certainty, arXiv 2502.18581, abstract, and its authors' code
(``confidence_list.py``, ``voting_from_list.py``). There language models of 1 B to 70 B on mathematics and code, and powers that are chosen for each N. The smallest differences of
interest: 0.01 for votes, 0.02 for single choices; at N = 8, as in the paper's smaller tables.
"""

import torch
from torch import Tensor

from guerdon.acting.choosers.borda import Borda
from guerdon.acting.choosers.highest_score import HighestScore
from guerdon.acting.choosers.majority import Majority
from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, GrowsWith, System
from guerdon.feedback.intrinsic.negative_entropy import NegativeEntropy
from guerdon.feedback.intrinsic.self_certainty import SelfCertainty
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive
from guerdon.sequences import Decoding
from guerdon.steps import average
from guerdon.worlds.finite.solutions import Solutions

system = System(
    title="Scalable Best-of-N Selection for Large Language Models via Self-Certainty",
    link="https://arxiv.org/abs/2502.18581",
    kind="reward",
    builds_on=("self-certainty", "borda", "majority", "best-of-n"),
    read="code",
    untuned="choices without a setting, and the authors' power",
    note=(
        "Votes by the place in self-certainty beat the majority by 0.05 at 8 answers; the surest answer alone does not get better with more of them, is no "
        "better than by entropy, and the likeliest one, which in this world is right, beats both by far."
    ),
)
recipe = {
    "self-certainty": HighestScore(),
    "log-probability": HighestScore(),
    "entropy": HighestScore(),
    "majority": Majority(),
    "Borda": Borda(),
    "Borda, power 2": Borda(2.0),
}
claim = AllOf(
    GrowsWith("self-certainty", on="accuracy", by=0.01),
    BetterThan("self-certainty", "log-probability", on="accuracy", at=8, effect=0.02, matched="samples"),
    BetterThan("self-certainty", "entropy", on="accuracy", at=8, effect=0.02, matched="samples"),
    BetterThan("Borda", "majority", on="accuracy", at=8, effect=0.01, matched="samples"),
)
SEEDS = {"smoke": 1, "full": 20}
SIZES = {"smoke": (4, 8), "full": (4, 8, 16, 32)}
DEMONSTRATIONS, COUNT = 300, 0.1


def learned(world: Solutions, blind: bool, seed: int) -> TablePolicy:
    """Who takes steps as often as they were shown where things looked alike."""
    teacher = world.start(seed=seed)
    shown = Group(DEMONSTRATIONS // world.contexts)(
        teacher, [torch.tensor([c]) for c in range(world.contexts)], Decoding(world.depth), derive(seed, "demonstrations")
    )
    problem = torch.cat(shown.contexts)[shown.context]
    states = world.states()
    looks = world.looks() if blind else world.looks() * 4 + states.on_track * 2 + states.clean
    seen = looks[problem.unsqueeze(-1), world.tree.nodes(shown.actions)][shown.mask]
    counts = torch.full((int(looks.max()) + 1, world.tree.vocabulary), COUNT, dtype=torch.float64)
    counts.index_put_((seen, shown.actions[shown.mask]), torch.ones(len(seen), dtype=torch.float64), accumulate=True)
    return TablePolicy(world.tree, counts.log()[looks])


def concluded(world: Solutions, actions: Tensor, length: Tensor) -> list[int | None]:
    """The number that each answered with; None where no answer came."""
    out: list[int | None] = []
    for said, n in zip(actions.tolist(), length.tolist(), strict=True):
        numbers = [a for a in said[:n] if a < world.values]
        out.append((numbers[-1] if numbers else -1) if said[n - 1] == world.answering else None)
    return out


def experiment(seed: int, scale: str) -> dict:
    arms: dict[str, dict[str, dict[int, float]]] = {name: {} for name in (*recipe, "first")}
    for measure, blind in (("accuracy", False), ("accuracy, blind", True)):
        for name, curve in accuracies(Solutions(seed=seed), blind, seed, SIZES[scale], 2 if scale == "smoke" else 5).items():
            arms[name][measure] = curve
    return arms


def accuracies(world: Solutions, blind: bool, seed: int, sizes: tuple[int, ...], repeats: int) -> dict[str, dict[int, float]]:
    """Of each arm, along N."""
    policy, many = learned(world, blind, seed), max(sizes)
    contexts = [torch.tensor([c]) for c in range(world.contexts)]
    drawn = Group(many * repeats)(policy, contexts, Decoding(world.depth), derive(seed, "answers"))
    right = world.expected_reward_of(drawn).tolist()
    said = policy.measure(drawn, {"logp", "entropy", "self_certainty"})
    scores = {
        "self-certainty": SelfCertainty()(said["self_certainty"], drawn.mask),
        "log-probability": average(said["logp"], drawn.mask),
        "entropy": NegativeEntropy()(said["entropy"], drawn.mask),
    }
    scores = {name: value.tolist() for name, value in scores.items()}
    answers = concluded(world, drawn.actions, drawn.length)
    found: dict[str, dict[int, float]] = {name: {} for name in (*recipe, "first")}
    for n in sizes:
        starts = range(0, len(drawn), many)
        for name, chooser in recipe.items():
            by = scores.get(name, scores["self-certainty"])
            chosen = [s + chooser(answers[s : s + n], by[s : s + n]) for s in starts]
            found[name][n] = sum(right[k] for k in chosen) / len(chosen)
        found["first"][n] = sum(right[s] for s in starts) / len(starts)
    return found
