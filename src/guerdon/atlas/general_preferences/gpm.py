"""GPM: two numbers for each answer express a cycle that one number cannot, and a policy that goes by them is hard to beat.

World: five answers on a circle, each of which beats the two behind it with a probability of 0.9 ("cycle"), or five answers with
Bradley-Terry scores from N(0, 1) ("line"). 400 comparisons of random pairs, drawn once; the features of an answer are a vector of eight
numbers from N(0, 1). A seed is another set of features, comparisons and scores.

"GPM" is the head of preference vectors on the features (two planes, ten numbers of freedom less those that a rotation leaves),
"Bradley-Terry" the scalar head; both by maximum likelihood with the ridge of 0.0001, 0.001, 0.01 or 0.1 on their weights that predicts 100
further comparisons best.

Measured: the share of the ten pairs whose more probable winner is predicted; "antisymmetry", the largest |s(y, y') + s(y', y)|. *Policies*:
200 rounds of pi <- pi exp(s(y, pi) / 2), where s is the score against an answer of the policy, in expectation (GPO), with either model; the
exploitability, against the true probabilities, of the average of the iterates.

"Near-perfect": an accuracy of at least 0.95 on average; "at chance": between 0.35 and 0.65.

Source: Zhang et al. 2024, arXiv 2410.02197: the representation and GPO's objective, whose exact minimiser the rounds are. Its cycles are
among 3 to 5 kinds of answers of language models. The sizes and the grid are ours.
"""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, EqualTo, NoWorseThan, System
from guerdon.atlas._comparing import ComparisonWorld, minimise
from guerdon.exact.solvers.exploitability import Exploitability
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.comparisons.skew_logistic import SkewLogistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.head import Head
from guerdon.losses.scores.preference_vector import PreferenceVector as Vector
from guerdon.models.encoders.embedded import Embedded
from guerdon.models.encoders.vectors import Vectors
from guerdon.models.finite.tabular import Tabular
from guerdon.models.heads.preference_vector import PreferenceVector
from guerdon.models.heads.scalar import Scalar
from guerdon.randomness import derive, generator
from guerdon.recipes.general_preference import recipe as general_preference
from guerdon.recipes.reward_model import recipe as reward_model
from guerdon.training.recipe import Term
from guerdon.worlds.finite.bradley_terry_preference import BradleyTerryPreference
from guerdon.worlds.finite.cyclic_preference import CyclicPreference

system = System(
    title="General Preference Modeling with Preference Representations for Aligning Language Models",
    link="https://arxiv.org/abs/2410.02197",
    kind="reward",
    builds_on=("bradley-terry-reward-model", "skew-symmetric-score", "sppo", "exploitability"),
)
ANSWERS, FEATURES, COMPARISONS, FURTHER, RIDGES = 5, 8, 400, 100, (1e-4, 1e-3, 1e-2, 1e-1)
recipe = {"GPM": general_preference, "Bradley-Terry": reward_model}
MODELS = {
    "GPM": (PreferenceVector(planes=2), Term(Pairwise(Vector(), SkewLogistic()))),
    "Bradley-Terry": (Scalar(), Term(Pairwise(Head(), Logistic()))),
}
claim = AllOf(
    NoWorseThan("GPM", 0.95, on="accuracy on a cycle", margin=0.0),
    EqualTo("Bradley-Terry", 0.5, on="accuracy on a cycle", tolerance=0.15),
    NoWorseThan("GPM", "Bradley-Terry", on="accuracy on a line", margin=0.1),
    EqualTo("GPM", 0.0, on="antisymmetry", tolerance=1e-6),
    BetterThan("GPM", "Bradley-Terry", on="exploitability", by=0.1, lower_is_better=True),
)
SEEDS = {"smoke": 1, "full": 10}


class Given:
    """Answers with given features."""

    def __init__(self, table: Tensor):
        self.table = table

    def features(self) -> Tensor:
        return self.table


def experiment(seed: int, scale: str) -> dict:
    features = torch.randn(ANSWERS, FEATURES, generator=generator(seed, "features"))
    games = {
        "cycle": CyclicPreference(actions=ANSWERS, strength=0.8),
        "line": BradleyTerryPreference(actions=ANSWERS, seed=derive(seed, "line")),
    }
    arms: dict[str, dict[str, float]] = {name: {} for name in MODELS}
    for kind, game in games.items():
        payoff = game.preference()[0]
        world = ComparisonWorld(torch.zeros(ANSWERS, dtype=torch.float64), Tabular(1, ANSWERS).build, 1.0, given=payoff)
        pairs = world.drawn(COMPARISONS + FURTHER, torch.full((ANSWERS,), 1 / ANSWERS, dtype=torch.float64), derive(seed, kind))
        for name, (head, term) in MODELS.items():
            found = [
                leads(world, features, head, term, ridge, pairs[:COMPARISONS], seed)
                for ridge in (RIDGES[1:2] if scale == "smoke" else RIDGES)
            ]
            lead = min(found, key=lambda lead: float(-torch.nn.functional.logsigmoid(lead[tuple(pairs[COMPARISONS:].T)]).sum()))
            known = torch.triu(payoff != 0.5, 1)
            arms[name][f"accuracy on a {kind}"] = float(((lead > 0) == (payoff > 0.5))[known].double().mean())
            if kind == "cycle":
                arms[name] |= {"antisymmetry": float((lead + lead.T).abs().max()), "exploitability": exploitability(payoff, lead)}
    return arms


def leads(world: ComparisonWorld, features: Tensor, head, term: Term, ridge: float, pairs: Tensor, seed: int) -> Tensor:
    """[A, A], by how much the row's answer leads, in log-odds, by a model that was fitted to the pairs."""
    model = Embedded(Vectors(Given(features)), head).build(derive(seed, "model"))
    weight = next(model.module.parameters())
    minimise(model, (term,), world.counted(pairs), penalty=lambda: ridge * weight.double().square().sum())
    with torch.no_grad():
        said = head.read(model.module["head"], features, torch.arange(ANSWERS), torch.arange(ANSWERS)).double()
    if said.dim() == 1:
        return said.unsqueeze(-1) - said
    return term.loss.link.lead(said.unsqueeze(1).expand(-1, ANSWERS, -1), said.unsqueeze(0).expand(ANSWERS, -1, -1))


def exploitability(payoff: Tensor, lead: Tensor) -> float:
    """Of the average of the policies that go by the leads, round by round."""
    policy, path = torch.full((ANSWERS,), 1 / ANSWERS, dtype=torch.float64), []
    for _ in range(200):
        path.append(policy)
        policy = (policy.log() + lead @ policy / 2).softmax(-1)
    return float(Exploitability()(payoff, torch.stack(path).mean(0)))
