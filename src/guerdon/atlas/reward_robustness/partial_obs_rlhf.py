"""Who sees only a part of what happened is deceived by what is learned from their comparisons, unless what they believe is reckoned with.

World: the paper's two processes of eight courses of events (``_observers``). In "hiding" a failure can be made to look like an end; in "verbose" success is silent unless one
pays to show it. A seed draws 12 of each: beliefs from U(0, 1), how likely things work from U(0.3, 0.7), the cost r from U(0.5, 2), rewards the paper's plus noise from
N(0, 1). A person compares 2,000 random pairs of courses by what they believe them to be worth (Boltzmann, rationality 1); rewards of the seven states are learned by maximum
likelihood with a weak prior (ridge 0.01), alike for both arms, and the best of the six policies under them is taken.

* naive: courses are reckoned as they were, as if they had been seen;
* aware: courses are reckoned as the person believes them to be, by the known beliefs;
* "believed best": the policy with the highest believed worth, exactly: what naive learning without end and restriction comes to, of which the paper's theorem speaks.

Measured: "regret" of the true return; "wrong": how often a policy that is not the best is taken; "fails by name": of those of "believed best", the share that inflates
deceptively (over-estimation and believed worth higher than the best policy's) or over-justifies (under-estimation and worth lower), 1 where none is wrong; "untold": how many
directions of the rewards that matter to the choice of the policy no comparison tells, however many there are. Claimed: naive learning has a regret in both processes; who
reckons with the beliefs has none where nothing is left untold (verbose), and still has one where something is (hiding: works in one way and works in the other look alike).

Source: Lang et al. 2024, When Your AI Deceives You, arXiv 2402.17747, and code of its authors' experiments (``porlhf_envs.py``, ``partial_observability.py``: both processes,
the two likelihoods, rewards by state). Theirs sweep single numbers; that they are drawn, and the noise, are ours. The smallest regret of interest: 0.1.
"""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, EqualTo, System
from guerdon.atlas.reward_robustness._observers import Process, drawn
from guerdon.evaluation.metrics.belief_error import BeliefError
from guerdon.exact.estimators.maximum_likelihood import MaximumLikelihood
from guerdon.exact.likelihoods.linear import Linear
from guerdon.exact.solvers.untold_directions import UntoldDirections
from guerdon.feedback.judges.simulated_annotator import SimulatedAnnotator
from guerdon.randomness import derive, generator

system = System(
    title="When Your AI Deceives You: Challenges with Partial Observability of Human Evaluators in Reward Learning",
    link="https://arxiv.org/abs/2402.17747",
    kind="theory",
    builds_on=("simulated-annotator", "bradley-terry", "belief-error", "untold-directions"),
    read="code",
    untuned="exact worlds, maximum likelihood with one prior for both arms",
    note=(
        "As the paper says in seven of eight leaves: naive learning has a regret of 1.25 and 0.46, every failure is one of the two, and reckoning with the beliefs helps "
        "only where nothing is left untold (a regret of 0.09 of 2,000 comparisons, the tolerance being 0.1); in hiding, where something is, it is no better than naive."
    ),
)
claim = AllOf(
    BetterThan("naive", 0.1, on="regret, verbose", effect=0.05),
    BetterThan("naive", 0.1, on="regret, hiding", effect=0.05),
    EqualTo("believed best", 1.0, on="fails by name", tolerance=1e-9),
    EqualTo("world", 0.0, on="untold, verbose", tolerance=1e-9),
    EqualTo("aware", 0.0, on="regret, verbose", tolerance=0.1),
    BetterThan("aware", "naive", on="regret, verbose", lower_is_better=True, effect=0.1, matched="comparisons, prior"),
    BetterThan("world", 0.5, on="untold, hiding"),
    BetterThan("aware", 0.1, on="regret, hiding", effect=0.05),
)
SEEDS = {"smoke": 1, "full": 8}
RIDGE = 0.01


def experiment(seed: int, scale: str) -> dict:
    draws, comparisons = (1, 200) if scale == "smoke" else (12, 2000)
    arms: dict[str, dict[str, float]] = {"naive": {}, "aware": {}, "believed best": {}, "world": {}}
    wrong = named = 0
    for kind in ("hiding", "verbose"):
        found = [judged(drawn(kind, derive(seed, kind, i), 1.0), comparisons, derive(seed, kind, i)) for i in range(draws)]
        for arm in arms:
            for measure in found[0][arm]:
                arms[arm][f"{measure}, {kind}"] = sum(each[arm][measure] for each in found) / draws
        wrong += sum(each["believed best"]["wrong"] for each in found)
        named += sum(each["believed best"]["named"] for each in found)
    arms["believed best"]["fails by name"] = named / wrong if wrong else 1.0
    return arms


def judged(process: Process, comparisons: int, seed: int) -> dict[str, dict[str, float]]:
    """One process: both arms, the policy that is believed to be the best, and what no comparison tells."""
    worth, believed = process.policies @ process.worth, process.policies @ process.belief @ process.worth
    best = int(worth.argmax())

    def outcome(policy: int) -> dict[str, float]:
        return {"regret": float(worth[best] - worth[policy]), "wrong": float(worth[policy] < worth[best] - 1e-9)}

    asked, answer = answers(process, comparisons, seed)
    seen = {"naive": process.counts, "aware": process.belief @ process.counts}
    arms = {}
    for arm, features in seen.items():
        learned = MaximumLikelihood(Linear(), ridge=RIDGE)(asked=asked, answer=answer, features=features).parameters["coefficient"]
        arms[arm] = outcome(int((process.policies @ process.counts @ learned).argmax()))
    picked = outcome(int(believed.argmax()))
    over, under = (process.policies @ torch.from_numpy(BeliefError(way)(process.worth, process.belief)) for way in ("over", "under"))
    at = int(believed.argmax())
    inflates = bool(over[at] > over[best] + 1e-9) and bool(believed[at] > believed[best] + 1e-9)
    justifies = bool(under[at] < under[best] - 1e-9) and bool(worth[at] < worth[best] - 1e-9)
    shares = {"inflates": float(inflates), "over-justifies": float(justifies), "named": picked["wrong"] * float(inflates or justifies)}
    untold = UntoldDirections()(centred(seen["aware"]), centred(process.policies @ process.counts))["dimension"]
    return arms | {"believed best": picked | shares, "world": {"untold": float(untold)}}


def answers(process: Process, comparisons: int, seed: int) -> tuple[Tensor, Tensor]:
    """Pairs of courses [N, 2], and which of the two was preferred [N], by what the person believes."""
    believed = process.belief @ process.worth
    first = torch.randint(len(believed), (comparisons,), generator=generator(seed, "first"))
    second = (first + torch.randint(1, len(believed), (comparisons,), generator=generator(seed, "second"))) % len(believed)
    preferred = SimulatedAnnotator().probability(believed[first], believed[second])
    wins = torch.rand(comparisons, dtype=torch.float64, generator=generator(seed, "answers")) < preferred
    return torch.stack([first, second], -1), (~wins).long()


def centred(features: Tensor) -> Tensor:
    """Of comparisons only differences are told."""
    return features - features.mean(0)
