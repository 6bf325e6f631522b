"""PathFinder-PRM: which kinds of error a step has is decided first, and whether it is right in the light of that, by one model with three labels for each step.

World: 96 problems with solutions in up to four steps (``worlds.finite.solutions``), whose first errors are of arithmetic six times in ten, of consistency else; a tenth of the
steps idle. 8 solutions to each of 36 problems are labelled through the first error: no error of arithmetic, no error of consistency, and right: neither, and not idle. A network
with a hidden layer of 16 sees blurred features and two places for labels of kinds, empty (0) in the first pass and filled (1, -1) in the second, of which it is taught with the
true ones. A seed is another world, policy, features and draws.

Arms: "one label", taught whether steps are right and asked that with empty places; "PathFinder", three cross-entropies at equal weights, its score -1 where a kind of error is
flagged, else the second pass; "weighed", the same network, its score the chance that all is well; "side by side", the same labels of which all three are said in the first pass,
and the last is asked. Their updates are as many; learning rates are tuned by the mean of both measures.

* "F1": of the first step that is not right, on 30 other problems of 16 solutions each; the threshold is that which is best on 30 further ones.
* "guided": how often an answer is right where of 8 next steps the one with the highest score is taken, on the 30 other problems, exact.
* "named": of the wrong steps of both kinds, how often the error that is thought to be likelier is the one; the mean of both kinds.

Source: Pala et al. 2025, arXiv 2505.19706, summaries of it, and the authors' code: labels and both passes (``build_dataset.py``), the arm with one label
(``build_dataset_ablation.py``), scoring (``PathFinderPRM.py``), and that an idle step is not right (``run_inference.py``). There a model of 7 B, 400 thousand solutions; search
takes the best of 8 next steps, as here. Chosen here: the world, the network. With a blur of 0.5 one label was already as good in the search as if every step were known, with
0.8 all did best untrained, so it is 0.65; and with 12 labelled problems worlds differed so much that hundreds would have been needed, so there are 36. The smallest differences
of interest: 0.03 of F1, 0.02 of accuracy.
"""

from functools import lru_cache

import torch
from torch import Tensor, nn

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.process_rewards._judged import first_error, greedy, success
from guerdon.atlas.process_rewards._networks import descended, network
from guerdon.atlas.process_rewards._steps import Drawn, drawn
from guerdon.atlas.process_rewards.qwen2_5_math_prm import through_first_error
from guerdon.feedback.step_verdicts.chance_of_all import ChanceOfAll
from guerdon.feedback.step_verdicts.flagged import Flagged
from guerdon.losses.steps.step_cross_entropy import StepCrossEntropy
from guerdon.models.finite.policy import TablePolicy
from guerdon.randomness import derive
from guerdon.worlds.finite.solutions import ARITHMETIC, CONSISTENCY, NO_ERROR, Solutions

system = System(
    title="Error Typing for Smarter Rewards: Improving Process Reward Models with Error-Aware Hierarchical Supervision",
    link="https://arxiv.org/abs/2505.19706",
    kind="reward",
    builds_on=("flagged", "chance-of-all", "step-cross-entropy", "first-error-f1"),
    read="code",
    note=(
        "Kinds of error are named right 83 times in a hundred, but with as many solutions F1 is that of one label, to 0.03, and the search is behind it, by 0.06: steps that are "
        "flagged are all worth the same, and of the others the second pass, which is taught with true labels, knows only whether they idle. Weighed instead of decided, the same "
        "network guides as well as one label does. There labels of kinds are given to a model that reads, and 7 B may have room for both."
    ),
)
recipe = {"PathFinder": (StepCrossEntropy(), Flagged()), "weighed": (StepCrossEntropy(), ChanceOfAll()), "one label": StepCrossEntropy()}
ARMS = ("one label", "side by side", "PathFinder", "weighed")
GRID = {arm: {"learning_rate": (0.003, 0.01, 0.03)} for arm in ARMS}
TUNED_BY = "both"
SEEDS = {"smoke": 1, "full": 40, "tune": 3}
claim = AllOf(
    BetterThan("PathFinder", "one label", on="F1", effect=0.03, matched="solutions, updates, size"),
    BetterThan("PathFinder", "one label", on="guided", effect=0.02, matched="solutions, updates, size"),
    BetterThan("PathFinder", "side by side", on="F1", effect=0.03, matched="labels, updates, size"),
    BetterThan("PathFinder", 0.75, on="named", effect=0.05),
)
KINDS = (ARITHMETIC, CONSISTENCY)
BLUR = 0.65
N = 8  # next steps that are drawn in the search


@lru_cache(maxsize=2)
def data(seed: int, scale: str) -> tuple[Solutions, TablePolicy, Tensor, Tensor, Drawn, Tensor, list[Drawn]]:
    """The world, its policy, features; the three labels of all steps [C, P, V, 3]; what is learned from, and which of its steps; and the two sets that are asked about."""
    small = scale == "smoke"
    world = Solutions(contexts=96, depth=4, seed=derive(seed, "world"))
    policy = world.start(seed=derive(seed, "policy"))
    error = world.error()
    right = (error == NO_ERROR) & (torch.arange(world.tree.vocabulary) != world.idling)
    labels = torch.stack([*(error != kind for kind in KINDS), right], -1).double()
    some = drawn(world, policy, range(36), 2 if small else 8, derive(seed, "labelled"))
    judged = through_first_error(some, some.of(world.right()))[1]
    asked = [drawn(world, policy, range(6 + 30 * k, 36 + 30 * k), 4 if small else 16, derive(seed, "asked", k)) for k in (1, 2)]
    return world, policy, world.features(blur=BLUR, seed=derive(seed, "features")), labels, some, judged, asked


def with_places(features: Tensor, kinds: Tensor | None) -> Tensor:
    """[..., D] → [..., D + 2], the places for labels of kinds filled, or empty."""
    places = features.new_zeros(*features.shape[:-1], len(KINDS)) if kinds is None else 2 * kinds - 1
    return torch.cat([features, places], -1)


def trained(arm: str, seen: Tensor, labels: Tensor, learning_rate: float, steps: int, seed: int) -> nn.Module:
    """A network with the log-odds of the three labels as outputs, taught those of the arm; ``seen`` [M, D], ``labels`` [M, 3]."""
    asked, loss, empty = network(seen.shape[-1] + len(KINDS), 3, seed), StepCrossEntropy(), with_places(seen, None)
    filled = with_places(seen, labels[:, : len(KINDS)])

    def each() -> Tensor:
        first = asked(empty)
        if arm == "one label":
            return loss(first[:, 2:], labels[:, 2:])
        if arm == "side by side":
            return loss(first, labels)
        return torch.cat([loss(first[:, :2], labels[:, :2]), loss(asked(filled)[:, 2:], labels[:, 2:])], -1)

    descended(asked, lambda: each().mean(0).sum(), learning_rate, steps)
    return asked


@torch.no_grad()
def said(arm: str, model: nn.Module, features: Tensor) -> tuple[Tensor, Tensor]:
    """The score of every step, [C, P, V], and the probabilities that it is free of each kind of error, [C, P, V, 2]."""
    first = model(with_places(features, None)).sigmoid()
    free = first[..., :2]
    if arm in ("one label", "side by side"):
        return first[..., 2], free
    right = model(with_places(features, torch.ones_like(free))).sigmoid()[..., 2]
    return (Flagged() if arm == "PathFinder" else ChanceOfAll())(free, right), free


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    world, policy, features, labels, some, judged, (asked, chosen_on) = data(seed, scale)
    steps = 20 if scale == "smoke" else 200
    model = trained(arm, some.of(features)[judged], some.of(labels)[judged], learning_rate, steps, derive(seed, "head"))
    score, free = said(arm, model, features)
    f1 = first_error(*((own, own.first(own.of(labels)[..., 2] < 0.5)) for own in (asked, chosen_on)), score)
    guided = success(world.rewards(), greedy(policy, score, N), range(36, 66))
    found = {"F1": f1, "guided": guided, "both": (f1 + guided) / 2}
    return found if arm == "one label" else found | {"named": named(asked.of(free)[asked.mask], asked.of(world.error())[asked.mask])}


def named(free: Tensor, error: Tensor) -> float:
    """``free`` [M, 2] and the error [M] of steps."""
    likelier = free.argmin(-1)
    return sum(float((likelier[error == kind] == k).double().mean()) for k, kind in enumerate(KINDS)) / len(KINDS)
