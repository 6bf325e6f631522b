"""Rationales: the policy is told why one answer was preferred, and learns to say it, beside the preference.

World: short texts whose true worth is known and whose comparisons can be over-optimised (``worlds.text.gold_reward.hackable``), and 32 comparisons of them, so few that a
reason could be worth having. The reason of a pair is "+" and the character of which the preferred text has more and that spoke most for it, "-" and the one of which it has
fewer and that spoke most against the other ("+f-b"), of what people went by, markers too: what a machine would write that explains a verdict, and does not know better.
Twice as many comparisons are the price that reasons are to save.

SFT fits a policy of one layer to 1,000 texts and, so that it can talk about two texts at all, to 1,000 sayings about pairs in any order, in the same form, that name any
characters in which the texts differ: it knows how a reason looks and not what matters, as a pretrained model would.

Arms, each 24 steps of 32 pairs, the learning rate falling to 0 after a tenth of warm-up: DPO; DPO on 64 pairs; RDPO, which is DPO and a weight gamma of the negative
log-likelihood of the reasons of 32 pairs, given both texts, the preferred one first; the same with the reasons of other pairs ("shuffled") and with the characters that spoke
most for the wrong side ("wrong").

Tuned for every arm, by the true reward at a KL of 2 nats from SFT, where that of this world has hardly begun to fall: the learning rate, beta (more values for DPO), and
RDPO's gamma. Its authors' gammas are 0.001 and 0.1, and below 0.001 it is DPO.

Measured on 256 answers to held-out prompts, at SFT and after 1, 2, 4, 6, 10 and 24 steps: the true reward, the KL from SFT in nats per answer, and by how many characters
answers are longer than SFT's.

Before, the reward could not be over-optimised, the arms were compared at no price, the controls were not tuned, and what SFT learned to say had the preferred text first,
which says what people like. A first confirmation had RDPO's beta at its authors' 0.1 and tuned DPO's, to 1: RDPO could not come out as DPO with a gamma of nothing, and was
0.09 of reward behind it at equal KL.

Source: Just et al. 2024, arXiv 2407.14477, of which the abstracts of its versions were read (fewer pairs, faster, less verbosity; the last of these is in the earlier ones
only), and its authors' code. Open there: who writes reasons (here: the world), and the sum or mean over their letters (here: the mean). Their code has
-log sigmoid(gamma log p) where the paper, by a summary, has -gamma log p; this is the latter. Its reasons are sentences, and the model that learns from them has read many.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from guerdon.atlas import AheadAlong, AllOf, Knob, NoWorseThan, System
from guerdon.atlas._text import Along, answers, bought, divergence
from guerdon.data.curation.rationales import Rationales
from guerdon.data.examples import examples
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models import Policy
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.randomness import derive
from guerdon.sequences import Decoding
from guerdon.tasks.rows import Row
from guerdon.training.jobs import copy_of, encoder_for
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.training.streams import Stream
from guerdon.worlds.text.gold_reward import GoldReward, hackable

system = System(
    title="Data-Centric Human Preference Optimization with Rationales",
    link="https://arxiv.org/abs/2407.14477",
    kind="data",
    builds_on=("dpo", "rationales", "negative-log-likelihood"),
    read="code",
    note=(
        "At equal KL it is DPO's equal, and so are reasons that are shuffled or wrong: here their content does not matter. No "
        "arm gains much in this world, and as tuned RDPO hardly moves."
    ),
)
PAIRS, STOPS, PRICE = 32, (1, 2, 4, 6, 10, 24), 2.0
TWICE, SHUFFLED, WRONG = "DPO, twice the pairs", "RDPO, shuffled reasons", "RDPO, wrong reasons"
ASK = Rationales("{prompt}{chosen}|{rejected}?")
Choose = Callable[[Mapping[str, float], list[str], random.Random], str]


def dpo(learning_rate: float, beta: float) -> Recipe:
    return Recipe((Term(Pairwise(LogRatio(beta), Logistic())),), AdamW(Linear(learning_rate, warmup=0.1)))


def with_rationales(learning_rate: float, beta: float, gamma: float) -> Recipe:
    told = Term(NegativeLogLikelihood(), weight=gamma, reduce=SequenceMean(), data="rationales")
    return Recipe((*dpo(learning_rate, beta).terms, told), AdamW(Linear(learning_rate, warmup=0.1)))


sft = Recipe((Term(NegativeLogLikelihood()), Term(NegativeLogLikelihood(), data="talk")), AdamW(Linear(1e-2, warmup=0.1)))
recipe = {"SFT": sft, "DPO": dpo(0.003, 0.3), "RDPO": with_rationales(0.003, 0.3, 0.1)}
_RATES = (0.001, 0.003, 0.01)
_DPO = {
    "learning_rate": _RATES,
    "beta": Knob((0.1, 0.3, 1.0, 3.0), least=0.01),
}  # below, it does no more than scale the gradient, which Adam undoes
_RDPO = {"learning_rate": _RATES, "beta": Knob((0.3, 1.0), least=0.01), "gamma": Knob((0.01, 0.1), least=0.001)}
GRID = {"DPO": _DPO, TWICE: _DPO, "RDPO": _RDPO, SHUFFLED: _RDPO, WRONG: _RDPO}
TUNED_BY = "gold at the price"
claim = AllOf(
    *(AheadAlong("RDPO", other, on="gold", along="KL", effect=0.1) for other in ("DPO", SHUFFLED, WRONG)),
    NoWorseThan("RDPO", TWICE, on="gold at the price", margin=0.1, matched="KL, updates"),
    AheadAlong("RDPO", "DPO", on="length growth", along="KL", effect=0.5, lower_is_better=True),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 2}


class Start:
    """What one seed begins with: the world, SFT, which can talk about two texts, and the comparisons."""

    def __init__(self, seed: int, scale: str):
        self.seed, self.small = seed, scale == "smoke"
        self.world, rows = hackable(seed=seed, test_size=16 if self.small else 128), 64 if self.small else 1000
        self.policy = SmallLanguageModel(self.world.characters + "+-?|", 1, 16 if self.small else 32, heads=2, context_length=48).build(
            seed
        )
        self.encoder, budget = encoder_for(self.policy), Budget(steps=4 if self.small else 120, batch_size=64, seed=seed)
        talk = self.stream(turned(self.world.comparisons(rows, seed=1), seed), any_of, 64)
        fit(self.policy, examples(self.world.demonstrations(rows), self.encoder), sft, budget, streams={"talk": talk})
        self.pairs = self.world.comparisons(2 * PAIRS)
        self.length = 0.0
        self.length = self.measured(self.policy)["length growth"]

    def stream(self, pairs: Sequence[Row], choose: Choose, batch: int, shuffled: bool = False) -> Stream:
        """What is said about pairs, as something to learn."""
        draw = random.Random(derive(self.seed, "reasons"))
        said = [reason(self.world, row, choose, draw) for row in pairs]
        if shuffled:
            draw.shuffle(said)
        told = ASK([row | {"rationale": why} for row, why in zip(pairs, said, strict=True)])
        return Stream(examples(told, self.encoder), batch, self.seed)

    def measured(self, policy: Policy) -> dict[str, float]:
        drawn, rewards = answers(policy, self.world, Decoding(14), self.seed, {"gold": self.world.reward}, each=2)
        grown = float(drawn.length.double().mean()) - self.length
        return {"gold": float(rewards["gold"].mean()), "KL": divergence(drawn, policy, self.policy), "length growth": grown}


start = lru_cache(maxsize=4)(Start)


def trial(arm: str, seed: int, scale: str, learning_rate: float, beta: float, gamma: float | None = None) -> dict[str, Any]:
    here, policy = start(seed, scale), copy_of(start(seed, scale).policy)
    pairs, stops = here.pairs[: PAIRS * (1 + (arm == TWICE))], (1, 2) if here.small else STOPS
    method, streams = dpo(learning_rate, beta), {}
    if gamma is not None:
        method = with_rationales(learning_rate, beta, gamma)
        streams = {"rationales": here.stream(pairs, faintest if arm == WRONG else weightiest, PAIRS, shuffled=arm == SHUFFLED)}
    along = Along(stops, lambda: here.measured(policy))
    budget = Budget(steps=stops[-1], batch_size=PAIRS, seed=seed)
    fit(policy, examples([sides(row) for row in pairs], here.encoder), method, budget, display=along, streams=streams)
    curves = along.curves
    return curves | {"gold at the price": bought(curves["gold"], curves["KL"], PRICE)}


def sides(row: Row) -> Row:
    return {name: row[name] for name in ("prompt", "chosen", "rejected")}


def turned(pairs: Sequence[Row], seed: int) -> list[Row]:
    """Pairs in any order, so that nothing tells which text was preferred."""
    draw = random.Random(derive(seed, "order"))
    return [row if draw.random() < 0.5 else row | {"chosen": row["rejected"], "rejected": row["chosen"]} for row in pairs]


def reason(world: GoldReward, row: Row, choose: Choose, draw: random.Random) -> str:
    """ "+" and a character of which the preferred text has more, "-" and one of which it has fewer; ``choose`` says which."""
    likes = {side: liking(world, row["prompt"], row[side]) for side in ("chosen", "rejected")}
    speaks = {c: likes["chosen"][c] - likes["rejected"][c] for c in likes["chosen"]}
    more = {c: (row["chosen"].count(c) > row["rejected"].count(c)) - (row["chosen"].count(c) < row["rejected"].count(c)) for c in speaks}
    signed = {sign: [c for c, n in more.items() if n == wanted] for sign, wanted in (("+", 1), ("-", -1))}
    return "".join(sign + choose(speaks, found, draw) for sign, found in signed.items() if found)


def liking(world: GoldReward, prompt: str, text: str) -> dict[str, float]:
    """How much of what people think of a text is owed to each character."""
    counted = {
        c: world.worth[c] * ((c in text) if world.once else text.count(c)) + world.bonus * (c == prompt[0] and c in text)
        for c in world.letters
    }
    return counted | {world.marker: (world.spurious - world.marker_cost) * text.count(world.marker)}


def weightiest(speaks: Mapping[str, float], found: list[str], draw: random.Random) -> str:
    """What spoke most for the preferred text: a reason."""
    return max(found, key=speaks.__getitem__)


def faintest(speaks: Mapping[str, float], found: list[str], draw: random.Random) -> str:
    """What spoke most against it: a wrong reason."""
    return min(found, key=speaks.__getitem__)


def any_of(speaks: Mapping[str, float], found: list[str], draw: random.Random) -> str:
    """A difference, and no reason: what somebody says who can compare and does not know what matters."""
    return draw.choice(found)
