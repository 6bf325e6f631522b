"""GPM: two numbers for each answer express a cycle that one number cannot, and a policy that goes by them is hard to beat.

World: nine answers on a circle, each of which beats the four behind it with a probability of 0.9 ("cycle"), or nine answers with Bradley-Terry scores from N(0, 1)
("line"). 50, 100 or 400 comparisons of random pairs, of which there are 36; the features of an answer are a vector of twelve numbers from N(0, 1). A seed is
another set of features, comparisons and scores.

"Bradley-Terry" is the scalar head on the features, which cannot express a cycle; "pair table" the skew-symmetric table of log-odds with a number for each pair, a
model that can express any preferences and learns nothing about one pair from another; "GPM" the head of preference vectors on the features, in two planes. All by
maximum likelihood with a ridge on their weights, tuned alike, by the expected loss in nats, over both worlds and all numbers of comparisons.

Measured: the share of the pairs whose more probable winner is predicted, over comparisons; "antisymmetry", the largest |s(y, y') + s(y', y)|. *Policies*: 200 rounds
of pi <- pi exp(s(y, pi) / 2), where s is the score against an answer of the policy, in expectation (GPO), after 100 comparisons, with each model; the
exploitability, against the true probabilities, of the average of the iterates. "Near-perfect": an accuracy of at least 0.95 on average after 400 comparisons. 0.03
of accuracy, a pair of the 36, and 0.05 of exploitability are what anybody would care about.

Before, there were five answers: two planes express every skew-symmetric table of five, so that nothing could have been worse than GPM but what cannot express a
cycle; and the policy's start was the equilibrium, which models that know nothing do not leave. Now it starts with logits from N(0, 1).

Source: Zhang et al. 2024, arXiv 2410.02197, and the authors' code (general-preference/general-preference-model, models/loss.py: its skew-symmetric blocks): the
representation and GPO's objective, whose exact minimiser the rounds are. Its cycles are among 3 to 5 kinds of answers of language models. The sizes are ours.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from guerdon.atlas import AllOf, BetterThan, EqualTo, NoWorseThan, System, TunedBy
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
    read="code",
    note=(
        "It learns a cycle that a Bradley-Terry model cannot hold; but so does a table of pairs with a ridge, from as few "
        "comparisons. On a line it may be as much as 0.08 less accurate than Bradley-Terry from 100 comparisons. What the "
        "embedding buys over a table, answers that were never compared, is not in this world."
    ),
)
ANSWERS, FEATURES, COMPARISONS, PLAYED = 9, 12, (50, 100, 400), 100
recipe = {"GPM": general_preference, "Bradley-Terry": reward_model}
MODELS = {
    "GPM": (PreferenceVector(planes=2), Term(Pairwise(Vector(), SkewLogistic()))),
    "Bradley-Terry": (Scalar(), Term(Pairwise(Head(), Logistic()))),
}
GRID = {arm: {"ridge": (0.1, 1.0, 10.0, 100.0)} for arm in ("Bradley-Terry", "pair table", "GPM")}
TUNED_BY = TunedBy("expected loss", lower_is_better=True)
CYCLE, LINE = "accuracy on a cycle", "accuracy on a line"
_same = {"matched": "comparisons"}
claim = AllOf(
    NoWorseThan("GPM", 0.95, on=CYCLE, margin=0.0, at=400),
    BetterThan("GPM", "Bradley-Terry", on=CYCLE, at=400, effect=0.03, by_construction=True, **_same),
    *(BetterThan("GPM", "pair table", on=CYCLE, at=n, effect=0.03, **_same) for n in (50, 100)),
    *(NoWorseThan("GPM", "Bradley-Terry", on=LINE, margin=0.03, at=n, **_same) for n in (100, 400)),
    EqualTo("GPM", 0.0, on="antisymmetry", tolerance=1e-6),
    BetterThan("GPM", "Bradley-Terry", on="exploitability", effect=0.05, lower_is_better=True, by_construction=True, **_same),
    BetterThan("GPM", "pair table", on="exploitability", effect=0.05, lower_is_better=True, **_same),
)
SEEDS = {"smoke": 1, "full": 24, "tune": 4}


class Given:
    """Answers with given features."""

    def __init__(self, table: Tensor):
        self.table = table

    def features(self) -> Tensor:
        return self.table


def trial(arm: str, seed: int, scale: str, ridge: float) -> dict:
    features = torch.randn(ANSWERS, FEATURES, generator=generator(seed, "features"))
    games = {
        CYCLE: CyclicPreference(actions=ANSWERS, strength=0.8),
        LINE: BradleyTerryPreference(actions=ANSWERS, seed=derive(seed, "line")),
    }
    found, losses = {CYCLE: {}, LINE: {}}, []
    for measure, game in games.items():
        payoff = game.preference()[0]
        world = ComparisonWorld(torch.zeros(ANSWERS, dtype=torch.float64), Tabular(1, ANSWERS).build, 1.0, given=payoff)
        uniform = torch.full((ANSWERS,), 1 / ANSWERS, dtype=torch.float64)
        pairs = world.drawn(max(COMPARISONS), uniform, derive(seed, measure))
        known = torch.triu(payoff != 0.5, 1)
        for n in COMPARISONS:
            lead = tabled(pairs[:n], ridge) if arm == "pair table" else leads(arm, world, features, ridge, pairs[:n], seed)
            right = ((lead > 0) == (payoff > 0.5)).double().masked_fill(lead == 0, 0.5)
            found[measure][n] = float(right[known].mean())
            losses.append(float(-(payoff * F.logsigmoid(lead))[~torch.eye(ANSWERS, dtype=torch.bool)].mean() * 2))
            if measure == CYCLE and n == PLAYED:
                found |= {"antisymmetry": float((lead + lead.T).abs().max()), "exploitability": exploitability(payoff, lead, seed)}
    return found | {"expected loss": sum(losses) / len(losses)}


def leads(arm: str, world: ComparisonWorld, features: Tensor, ridge: float, pairs: Tensor, seed: int) -> Tensor:
    """[A, A], by how much the row's answer leads, in log-odds, by a model that was fitted to the pairs."""
    head, term = MODELS[arm]
    model = Embedded(Vectors(Given(features)), head).build(derive(seed, "model"))
    weight = next(model.module.parameters())
    minimise(model, (term,), world.counted(pairs), penalty=lambda: ridge / len(pairs) * weight.double().square().sum())
    with torch.no_grad():
        said = head.read(model.module["head"], features, torch.arange(ANSWERS), torch.arange(ANSWERS)).double()
    if said.dim() == 1:
        return said.unsqueeze(-1) - said
    return term.loss.link.lead(said.unsqueeze(1).expand(-1, ANSWERS, -1), said.unsqueeze(0).expand(ANSWERS, -1, -1))


def tabled(pairs: Tensor, ridge: float) -> Tensor:
    """[A, A], the same of the table: each pair's own log-odds, pulled to even by the ridge, by Newton's method."""
    wins = torch.zeros(ANSWERS, ANSWERS, dtype=torch.float64).index_put(
        (pairs[:, 0], pairs[:, 1]), torch.tensor(1.0).double(), accumulate=True
    )
    lead, asked = torch.zeros_like(wins), wins + wins.T
    for _ in range(50):  # concave, and steps are at most as long as those of the curvature at 0
        slope, bend = wins - asked * torch.sigmoid(lead) - 2 * ridge * lead, asked / 4 + 2 * ridge
        lead = lead + slope / bend
    return lead


def exploitability(payoff: Tensor, lead: Tensor, seed: int) -> float:
    """Of the average of the policies that go by the leads, round by round."""
    policy, path = torch.randn(ANSWERS, dtype=torch.float64, generator=generator(seed, "start")).softmax(-1), []
    for _ in range(200):
        path.append(policy)
        policy = (policy.log() + lead @ policy / 2).softmax(-1)
    return float(Exploitability()(payoff, torch.stack(path).mean(0)))
