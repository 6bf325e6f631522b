"""Rationales: the policy is told why one answer was preferred, and learns to say it, beside the preference.

World: short texts whose true worth is known (``worlds.text.gold_reward``), and 32 comparisons of them, so few that a reason could be worth
having. The reason of a pair is "+" and the letter of which the preferred text has more and that speaks most for it, "-" and the letter of
which it has fewer and that speaks most against the other text ("+f-b"): what a machine would write that knows the world. Twice as many
comparisons are the price that reasons are to save.

SFT fits a policy of one layer to 1,000 texts and, so that it can talk about two texts at all, to 1,000 sayings about pairs, in the same
form, that name any letters in which the texts differ: it knows how a reason looks and not what matters, as a pretrained model would.

Arms, each 24 steps of 32 pairs: DPO; DPO on 64 pairs; RDPO, which is DPO and a weight gamma of the negative log-likelihood of the reasons
of 32 pairs, given both texts, the preferred one first; the same with the reasons of other pairs ("shuffled") and with the letters that
speak most for the wrong side ("wrong").

Learning rates are from 0.003, 0.01 and 0.03 to 0 in a line after a tenth of warm-up, beta for DPO from 0.1, 0.3 and 1, gamma from 0.01, 0.1
and 1 (with DPO's best beta, 1): nine settings each, the best true worth on seeds 100 to 103, which are not reported: DPO 0.03; RDPO 0.01
with gamma 0.1.

Measured: the true worth of two answers to each of 256 held-out prompts, and by how many characters they are longer than SFT's.

Open in the paper's framework: who writes reasons (here: the world), and the sum or mean over their letters (here: the mean). Its authors'
code has -log sigmoid(gamma log p) where their text has -gamma log p; this is the latter.

Changed before the full run: with 128 pairs, tried first, DPO needs no help, as each letter is compared hundreds of times; and SFT did not
know reasons at all, so that in 24 steps it learned their form and little else.

Source: Just et al. 2024, arXiv 2407.14477, the loss and the abstract's claims (fewer pairs, less verbosity); its authors' code for the
order of the texts. Its judge is a language model, its rationales are sentences, and the model that learns from them has read many.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas._text import answers
from guerdon.data.curation.rationales import Rationales
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.randomness import derive
from guerdon.sequences import Decoding
from guerdon.training.jobs import FitJob
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.training.stages import Outputs, Pipeline, Stage
from guerdon.worlds.text.comparisons import Comparisons
from guerdon.worlds.text.curated import Curated
from guerdon.worlds.text.demonstrations import Demonstrations
from guerdon.worlds.text.gold_reward import GoldReward

system = System(
    title="Data-Centric Human Preference Optimization with Rationales",
    link="https://arxiv.org/abs/2407.14477",
    kind="data",
    builds_on=("dpo", "rationales", "negative-log-likelihood"),
    note=(
        "Seen: in a model of one layer what reasons say does not carry over to what is written: right, shuffled and wrong reasons "
        "end at the same worth (4.5, 4.6, 4.4), and DPO with twice the pairs is ahead of them all (5.9). Answers grow less (0.8 "
        "characters against 2.3), not decidedly, and with any reasons."
    ),
)
DECODING = Decoding(14)
SIGNS = "+-?|"
ASK = Rationales("{prompt}{chosen}|{rejected}?")
PAIRS = 32
Choose = Callable[[Mapping[str, float], list[str], random.Random], str]


def dpo(rate: float = 3e-2, beta: float = 1.0) -> Recipe:
    return Recipe((Term(Pairwise(LogRatio(beta), Logistic())),), AdamW(Linear(rate, warmup=0.1)))


def with_rationales(rate: float = 1e-2, weight: float = 0.1, beta: float = 1.0) -> Recipe:
    told = Term(NegativeLogLikelihood(), weight=weight, reduce=SequenceMean(), data="rationales")
    return Recipe((Term(Pairwise(LogRatio(beta), Logistic())), told), AdamW(Linear(rate, warmup=0.1)))


recipe = {
    "SFT": Recipe((Term(NegativeLogLikelihood()), Term(NegativeLogLikelihood(), data="talk")), AdamW(Linear(1e-2, warmup=0.1))),
    "DPO": dpo(),
    "RDPO": with_rationales(),
}
claim = AllOf(
    BetterThan("RDPO", "DPO", on="gold"),
    NoWorseThan("RDPO", "DPO, twice the pairs", on="gold"),
    BetterThan("RDPO", "DPO", on="length growth", lower_is_better=True),
    BetterThan("RDPO", "RDPO, shuffled reasons", on="gold"),
    BetterThan("RDPO", "RDPO, wrong reasons", on="gold"),
)
SEEDS = {"smoke": 1, "full": 12}
ARMS = ("DPO", "DPO, twice the pairs", "RDPO", "RDPO, shuffled reasons", "RDPO, wrong reasons")


def experiment(seed: int, scale: str) -> dict:
    done = pipeline(seed, scale).run(seed)
    said = {name: measured(done, name, seed) for name in ("SFT", *ARMS)}
    return {name: {"gold": said[name]["gold"], "length growth": said[name]["length"] - said["SFT"]["length"]} for name in ARMS}


@dataclass(frozen=True)
class Explained:
    """Comparisons with a reason each: "+" and a letter of which the preferred text has more, "-" and one of which it has fewer. ``choose`` says
    which."""

    world: GoldReward
    rows: int
    choose: Choose
    shuffled: bool = False
    seed: int = 0

    def train(self) -> Sequence[Mapping[str, Any]]:
        pairs = Comparisons(self.world, self.rows, seed=self.seed).train()
        draw = random.Random(derive(self.world.seed, "reasons", self.seed))
        reasons = [self._reason(row, draw) for row in pairs]
        if self.shuffled:
            draw.shuffle(reasons)
        return [{**row, "rationale": reason} for row, reason in zip(pairs, reasons, strict=True)]

    def test(self) -> Sequence[Mapping[str, Any]]:
        return []

    def _reason(self, row: Mapping[str, Any], draw: random.Random) -> str:
        count = {c: row["chosen"].count(c) - row["rejected"].count(c) for c in self.world.letters}
        speaks = {c: n * self.world.worth[c] for c, n in count.items()}
        signed = {"+": [c for c, n in count.items() if n > 0], "-": [c for c, n in count.items() if n < 0]}
        return "".join(sign + self.choose(speaks, letters, draw) for sign, letters in signed.items() if letters)


def weightiest(speaks: Mapping[str, float], letters: list[str], draw: random.Random) -> str:
    """What speaks most for the preferred text: a reason."""
    return max(letters, key=speaks.__getitem__)


def faintest(speaks: Mapping[str, float], letters: list[str], draw: random.Random) -> str:
    """What speaks most against it: a wrong reason."""
    return min(letters, key=speaks.__getitem__)


def any_of(speaks: Mapping[str, float], letters: list[str], draw: random.Random) -> str:
    """A difference, and no reason: what somebody says who can compare and does not know what matters."""
    return draw.choice(letters)


def pipeline(seed: int, scale: str) -> Pipeline:
    """SFT, which can talk about two texts, and every arm from there."""
    smoke, world = scale == "smoke", GoldReward(seed=seed)
    model = SmallLanguageModel(world.characters + SIGNS, layers=1, hidden=16 if smoke else 32, heads=2, context_length=48)
    warm, after = Budget(steps=4 if smoke else 120, batch_size=64), Budget(steps=2 if smoke else 24, batch_size=32)
    talk = Curated(Explained(world, 64 if smoke else 1000, any_of, seed=1), ASK)

    def told(choose: Choose, shuffled: bool = False) -> FitJob:
        streams = {"rationales": Curated(Explained(world, PAIRS, choose, shuffled), ASK)}
        return FitJob(recipe["RDPO"], Comparisons(world, PAIRS), after, streams=streams)

    return Pipeline(
        model,
        Stage("SFT", FitJob(recipe["SFT"], Demonstrations(world, 1000), warm, streams={"talk": talk})),
        Stage("DPO", FitJob(recipe["DPO"], Comparisons(world, PAIRS), after), start="SFT"),
        Stage("DPO, twice the pairs", FitJob(recipe["DPO"], Comparisons(world, 2 * PAIRS), after), start="SFT"),
        Stage("RDPO", told(weightiest), start="SFT"),
        Stage("RDPO, shuffled reasons", told(weightiest, shuffled=True), start="SFT"),
        Stage("RDPO, wrong reasons", told(faintest), start="SFT"),
    )


def measured(done: Mapping[str, Outputs], arm: str, seed: int) -> dict[str, float]:
    world = GoldReward(seed=seed)
    drawn, judged = answers(done[arm].model, world, DECODING, seed, {"gold": world.reward}, each=2)
    return {"gold": float(judged["gold"].mean()), "length": float(drawn.length.double().mean())}
