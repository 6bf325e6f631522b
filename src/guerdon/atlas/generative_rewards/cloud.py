"""Critique-out-loud: a reward model writes a critique first, and its reward head learns on critiques that it wrote itself.

World: answers of which six criteria hold or not, three of them asked for by each prompt, which is seen as a vector (``worlds.finite.itemised_answers``); 120 prompts with 16
answers. A seed is another world. A teacher gave critiques of 200 answers to 70 prompts: a verdict on each criterion, right in 90 % of the cases. People compared 400 pairs,
with the noise of sigmoid(8 difference).

A critic (a linear head for each criterion) is fitted to the teacher's critiques; its own are drawn from it. The reward head reads the vector, the prompt, their products, and
a critique (``_critiques``); it learns from the comparisons.

* "out loud": the head learns on critiques that the critic wrote, the likeliest one for each answer. "off-policy": on the teacher's, of the same answers. Both read the critic's in
  the end. "sampled": the head learns on one critique that was drawn from the critic, and reads the mean of 1, 4 or 16 that are drawn.
* "scalar": a Bradley-Terry head without critiques. "inside": the head reads the critic's probabilities and nothing is drawn: what the teacher's critiques teach, without writing.

Measured: "accuracy", of pairs of unequal worth on 30 held-out prompts, and "best", what the best of 16 answers by the reward is worth. "Averaging" is the accuracy of
"sampled" by the number of critiques, above that with one. (A first draft drew every critique, which costs more than a critique tells; the authors' code writes them greedily
by default.)

Source: Ankner et al. 2024, arXiv 2408.11791, abstract and introduction, and its authors' code (zankner/CLoud: three stages, language-model loss 1.25 beside the reward's,
two-layer head on the last token after the critique). The critic is not trained on along with the head here, where they share no body. Smallest differences of interest: 0.01
of accuracy, 0.01 of best.
"""

from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.generative_rewards._critiques import MOST, Loud, sampled, silent
from guerdon.atlas.generative_rewards._items import CHOSEN, HELD_OUT, Items, items
from guerdon.feedback.formats.mean_vote import MeanVote
from guerdon.feedback.formats.score import Score
from guerdon.randomness import derive

system = System(
    title="Critique-out-Loud Reward Models",
    link="https://arxiv.org/abs/2408.11791",
    kind="reward",
    builds_on=("bradley-terry-rm", "critique-generation", "lm-auxiliary-loss", "self-consistency", "best-of-n"),
    read="code",
    untuned=CHOSEN,
    note=(
        "A critique that is written before the reward is worth 0.04 of accuracy and of the best of 16, with the same comparisons and a "
        "teacher's critiques beside them. Learning on the teacher's critiques is as good as learning on one's own, and averaging 16 "
        "drawn critiques gains 0.009 over one drawn, and is no better than writing the likeliest. Here critics err alike where they "
        "learned and where they judge."
    ),
)
CRITIQUES, PAIRS, RIGHT, VOTES = 200, 400, 0.9, (1, 4, 16)
recipe = {"out loud": MeanVote(Score(), votes=MOST)}
claim = AllOf(
    BetterThan("out loud", "scalar", on="accuracy", effect=0.01, matched="comparisons"),
    BetterThan("out loud", "scalar", on="best", effect=0.01, matched="comparisons"),
    BetterThan("out loud", "off-policy", on="accuracy", effect=0.01, matched="comparisons, critiques"),
    BetterThan("sampled", 0.0, on="averaging", at="last", effect=0.01),
)
SEEDS = {"smoke": 1, "full": 40}


def experiment(seed: int, scale: str) -> dict:
    here = items(seed, scale)
    at, compared = here.drawn(CRITIQUES, "critiques"), here.compared(PAIRS, "people")
    teacher = here.world.verdicts(RIGHT, 0.0, 1, derive(seed, "teacher"))[0]
    likely = here.checked(at, teacher[at], asked_only=False)
    own, drawn, written = likely > 0.5, sampled(likely, 1, seed, "shown")[0], sampled(likely, MOST, seed, "written")
    scores = {
        "out loud": Loud(here, own, own.unsqueeze(0)).scores(compared, (1,))[1],
        "off-policy": Loud(here, teacher, own.unsqueeze(0)).scores(compared, (1,))[1],
        "scalar": silent(here, compared),
        "inside": silent(here, compared, likely),
    }
    several = Loud(here, drawn, written).scores(compared, VOTES)
    arms: dict[str, dict] = {name: measured(here, score) for name, score in (scores | {"sampled": several[MOST]}).items()}
    one = here.right(several[1])
    arms["sampled"]["averaging"] = {n: here.right(score) - one for n, score in several.items()}
    return arms


def measured(here: Items, score: Tensor) -> dict[str, float]:
    chosen = score[HELD_OUT].argmax(1, keepdim=True)
    return {"accuracy": here.right(score), "best": float(here.gold[HELD_OUT].gather(1, chosen).mean())}
