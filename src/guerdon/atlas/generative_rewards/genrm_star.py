"""GenRM: a judge writes its reasons before its verdict, and learns from those of its own that end in the right one.

World: pairs of answers that can be looked at five times, an impression that strikes one at once and is right about 65 % of them, and two kinds of pairs, of which the second shows
late which answer is better (``worlds.finite.deliberations``). A judge (``_judging``) writes what kind it takes a pair to be, then words for its looks, and a verdict, which
follows from them only in part. At the start it reads roughly, and writes two words on average. A seed is another world and another start. 160 labelled pairs.

* "STaR-SFT": three rounds; four judgements of each pair, those with the right verdict are imitated, from the start anew each time.
* "STaR-DPO": the same rounds; of each pair every right judgement is preferred to every wrong one, against the judge of the round before.
* "Bradley-Terry": a linear head on what the judge sees or on how it reads it, without words, fitted to the labels; which of four sets of features, and the ridge, is chosen by 80
  pairs that nobody else sees. "judge": the start.

Measured of 300 held-out pairs, exactly: "accuracy", of what most of very many verdicts say; "elsewhere", the same where the impression misleads (it is right about 35 % of the
pairs); "single", of one verdict; "words" of a judgement.

Source: Mahan et al. 2024, arXiv 2410.12832, abstract and summaries of its method and tables: STaR-SFT gains next to nothing there, STaR-DPO is level with Bradley-Terry on
UltraFeedback (73.9 and 74.0) and ahead of it on RewardBench (81.9 and 77.8); verdicts are voted on. Chosen here: rounds, judgements, and that pairs count alike. (In a first
draft the impression was right about 75 %, and every judge came to follow it alone.) Smallest differences of interest: 0.02; level is within 0.02.
"""

from dataclasses import replace

from guerdon.atlas import AllOf, BetterThan, Knob, NoWorseThan, System
from guerdon.atlas.generative_rewards._judging import EACH, Judge, contrasted, headed, imitated, right, start, voted
from guerdon.data.curation.verdict_pairs import VerdictPairs
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.randomness import derive
from guerdon.worlds.finite.deliberations import Deliberations, Pairs

system = System(
    title="Generative Reward Models",
    link="https://arxiv.org/abs/2410.12832",
    kind="reward",
    builds_on=("llm-judge", "star", "dpo", "bradley-terry-rm", "majority-vote"),
    read="summary",
    note=(
        "STaR-DPO is 0.056 behind Bradley-Terry where it learned and 0.12 where the impression misleads. What tells right judgements "
        "of a pair from wrong ones is above all the verdict, and the impression foretells that more surely than one word does. Chains "
        "grow from two words to four and single verdicts gain 0.11, but what most of many say gains 0.02 only. STaR-SFT gains next to "
        "nothing, as in the paper."
    ),
)
LABELLED, CHOOSING, HELD_OUT, ROUNDS, STEPS = 160, 80, 300, 3, 20
recipe = {"pairs": VerdictPairs(most=EACH * EACH, least_right=0.0, balanced=False), "link": Logistic()}
claim = AllOf(
    NoWorseThan("STaR-DPO", "Bradley-Terry", on="accuracy", margin=0.02, matched="labels"),
    BetterThan("STaR-DPO", "Bradley-Terry", on="elsewhere", effect=0.02, matched="labels"),
    BetterThan("STaR-DPO", "judge", on="accuracy", effect=0.02),
    BetterThan("STaR-DPO", "judge", on="elsewhere", effect=0.02),
)
SEEDS = {"smoke": 1, "full": 24, "tune": 4}
GRID = {
    "STaR-SFT": {"learning_rate": (0.005, 0.01, 0.02, 0.04, 0.08, 0.16)},
    "STaR-DPO": {"learning_rate": (0.1, 0.3), "beta": Knob((0.1, 0.3, 1.0), least=0.0)},
}
TUNED_BY = "accuracy"


def world_of(seed: int) -> Deliberations:
    return Deliberations(seed=derive(seed, "world"))


def trial(arm: str, seed: int, scale: str, learning_rate: float, beta: float = 0.0) -> dict:
    world = world_of(seed)
    begun, pairs = start(world, seed, tags=2), world.pairs(LABELLED, derive(seed, "labelled"))
    judge, steps = begun, STEPS if scale == "full" else 2
    for turn in range(ROUNDS):
        said = judge.judge(pairs, EACH, derive(seed, "round", turn))
        if arm == "STaR-SFT":
            judge = imitated(begun, pairs, said, said.right(pairs.truth).double(), learning_rate, steps)
        else:
            judge = contrasted(judge, pairs, said, pairs.truth, beta, learning_rate, steps)
    return of_judge(judge, world, seed)


def of_judge(judge: Judge, world: Deliberations, seed: int) -> dict[str, float]:
    here, there = held_out(world, seed)
    first = judge.first(here)
    return {
        "accuracy": voted(first, here),
        "elsewhere": voted(judge.first(there), there),
        "single": right(first, here),
        "words": judge.words_written(here),
    }


def held_out(world: Deliberations, seed: int) -> tuple[Pairs, Pairs]:
    """Pairs, and the same where the impression misleads."""
    return tuple(each.pairs(HELD_OUT, derive(seed, "held out")) for each in (world, replace(world, agreement=0.35)))


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    world = world_of(seed)
    begun, pairs = start(world, seed, tags=2), world.pairs(LABELLED, derive(seed, "labelled"))
    head = headed(begun, pairs, pairs.truth, world.pairs(CHOOSING, derive(seed, "choosing")))
    here, there = held_out(world, seed)
    accuracy, elsewhere = (right((head(each) > 0).double(), each) for each in (here, there))
    arms = {"judge": of_judge(begun, world, seed)}
    arms["Bradley-Terry"] = {"accuracy": accuracy, "elsewhere": elsewhere, "single": accuracy, "words": 0.0}
    return arms | {arm: trial(arm, seed, scale, **tuned[arm]) for arm in GRID}
