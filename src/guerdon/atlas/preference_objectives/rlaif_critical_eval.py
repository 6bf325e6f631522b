"""RLAIF: is it the feedback that helps, or that who gives it is better than who wrote the demonstrations?

World: short texts whose true worth is known and whose comparisons can be over-optimised (``worlds.text.gold_reward.hackable``), a policy of one layer fitted to 1,000
of them. A teacher shows, for each prompt, of a few texts the one that it likes best: the weak one of 2, the strong one of 8. What both like, and what the strong one
goes by as the critic, is the annotators' utility, which differs from the worth: who teaches well judges well, and is mistaken in the same way.

Every pipeline buys 1,000 answers or verdicts. "weak teacher" and "strong teacher": all are demonstrations, and fitted (SFT). "..., feedback": 100 are
demonstrations (the paper's share), fitted in 40 steps of 32; then the critic says which of two own answers it likes better for 900 prompts, and DPO has 40 steps of 32.

All are tuned alike, by the true worth at the end: SFT's learning rate, steps and batch; of the others SFT's learning rate, DPO's, and beta. All schedules fall to 0.

Measured on 256 answers to held-out prompts, after pretraining, on the way and at the end: the true worth ("gold"), what the critic would say of it ("liked"), and
the KL from pretraining in nats per answer. *Gain* is what feedback is ahead of all demonstrations by the same teacher. The claims are for 1,000 calls; that strong
demonstrations are ahead at equal KL as well would say that they are not just less far from pretraining, and, in what the critic likes, it is the paper's own
measure. 0.1 of worth is what anybody would care about.

What was here before is gone: texts whose worth is a sum over letters, without over-optimisation, in which DPO won by going further; the paper's bandit (section 5),
in which feedback cannot prefer what the student never says, by construction; and a weak critic. The world was chosen before any arm was run; after single
settings on one seed, in which DPO's rates of 0.003 and more only won what is liked, its grid was lowered and the claim on what is liked was added.

Source: Sharma et al. 2024, arXiv 2402.12366: its README and its notebook. Its students are of 7 B, its demonstrations by GPT-3.5 and GPT-4, its critic GPT-4, which is
also who measures, by win rates; its reinforcement learning is DPO, with beta 0.05. What depends on base models is not here.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AheadAlong, AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas._text import Along, answers, divergence
from guerdon.data.curation.best_worst_pairs import BestWorstPairs
from guerdon.data.examples import examples
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models import Policy
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.sequences import Decoding
from guerdon.training.display import Silent
from guerdon.training.jobs import SearchJob, copy_of, encoder_for
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.worlds.text.gold_reward import hackable

system = System(
    title="A Critical Evaluation of AI Feedback for Aligning Large Language Models",
    link="https://arxiv.org/abs/2402.12366",
    kind="study",
    builds_on=("sft", "dpo", "best-worst-pairs"),
    read="code",
    note=(
        "At as many calls of the teacher, imitating the strong teacher is as good as feedback at the end and at equal KL, in "
        "true worth; in what the critic likes it is ahead. What feedback adds to the weak teacher, 0.06, is between nothing and "
        "the effect of interest. With the strong teacher, feedback's rate was tuned to nearly nothing."
    ),
)
CALLS, FIRST, STEPS, ROWS = 1000, 100, 40, 32
BEST_OF = {"weak teacher": 2, "strong teacher": 8}
PLAIN = 100  # the seed of the texts of pretraining, which no teacher shows
DECODING = Decoding(14)


def imitate(rate: float) -> Recipe:
    return Recipe((Term(NegativeLogLikelihood()),), AdamW(Linear(rate, warmup=0.1)))


def prefer(rate: float, beta: float) -> Recipe:
    return Recipe((Term(Pairwise(LogRatio(beta), Logistic())),), AdamW(Linear(rate, warmup=0.1)))


recipe = {"SFT": imitate(3e-3), "DPO": prefer(3e-4, 0.1)}
_SFT = {"learning_rate": (0.001, 0.003, 0.01), "steps": (20, 40, 80), "batch": (16, 32, 64)}
_FEEDBACK = {"first": (0.001, 0.003, 0.01), "learning_rate": (0.0001, 0.0003, 0.001), "beta": (0.03, 0.1, 0.3)}
GRID = {**dict.fromkeys(BEST_OF, _SFT), **{f"{teacher}, feedback": _FEEDBACK for teacher in BEST_OF}}
TUNED_BY = "gold at the end"
_calls = {"on": TUNED_BY, "matched": "calls"}
claim = AllOf(
    BetterThan("weak teacher, feedback", "weak teacher", effect=0.1, **_calls),
    NoWorseThan("strong teacher", "weak teacher, feedback", margin=0.1, **_calls),
    AheadAlong("strong teacher", "weak teacher, feedback", on="gold", along="KL", effect=0.1),
    AheadAlong("strong teacher", "weak teacher, feedback", on="liked", along="KL", effect=0.1),
    NoWorseThan("strong teacher", "strong teacher, feedback", margin=0.1, **_calls),
    BetterThan("weak teacher, feedback", "strong teacher, feedback", on="gain", effect=0.1, matched="calls"),
)
SEEDS = {"smoke": 1, "full": 20, "tune": 2}


class Start:
    """What one seed begins with: the world, and a policy that writes its texts."""

    def __init__(self, seed: int, scale: str):
        self.seed, self.small = seed, scale == "smoke"
        self.world = hackable(seed=seed, test_size=16 if self.small else 128)
        hidden = 16 if self.small else 32
        self.policy = SmallLanguageModel(self.world.characters, layers=1, hidden=hidden, heads=2, context_length=24).build(seed)
        self.calls, self.first = (48, 16) if self.small else (CALLS, FIRST)
        self.fitted(self.policy, self.world.demonstrations(self.calls, PLAIN), imitate(1e-2), 4 if self.small else 120, 64)
        self.before = self.measured(self.policy)

    def fitted(self, policy: Policy, rows: Sequence[Mapping], method: Recipe, steps: int, batch: int, display: Silent = Silent()) -> Policy:
        learned = examples(rows, encoder_for(policy))
        fit(policy, learned, method, Budget(steps=steps, batch_size=min(batch, len(learned)), seed=self.seed), display=display)
        return policy

    def shown(self, teacher: str, n: int) -> list[dict[str, str]]:
        """Demonstrations: for each prompt the one of a few texts that the teacher likes best."""
        drawn = [self.world.demonstrations(n, seed) for seed in range(BEST_OF[teacher])]  # texts do not depend on the prompt
        rows = []
        for own in zip(*drawn, strict=True):
            prompt, texts = own[0]["prompt"], [row["completion"] for row in own]
            rows.append({"prompt": prompt, "completion": max(texts, key=lambda text: self.world.utility(prompt, text, 0))})
        return rows

    def liked(self, prompts: list[str], completions: list[str], **_: Any) -> list[float]:
        return [self.world.utility(prompt, text, 0) for prompt, text in zip(prompts, completions, strict=True)]

    def asked(self, teacher: str, rate: float) -> tuple[Policy, list[dict[str, Any]]]:
        """The student of a tenth of the calls, and the critic's verdicts on its answers, for the rest."""
        steps = 2 if self.small else STEPS
        student = self.fitted(copy_of(self.policy), self.shown(teacher, self.first), imitate(rate), steps, ROWS)
        job = SearchJob(self.world, BestWorstPairs(), {"liked": self.liked}, self.calls - self.first, Group(2), decoding=DECODING)
        return student, list(job(student, {}, self.seed, None, Silent()).rows)

    def learn(self, policy: Policy, rows: Sequence[Mapping], method: Recipe, steps: int, batch: int) -> list[dict[str, float]]:
        """Go on from the policy; what it was like half-way and at the end."""
        along = Along((steps // 2, steps), lambda: self.measured(policy))
        self.fitted(policy, rows, method, steps, batch, along)
        return list(along.seen.values())[1:]

    def measured(self, policy: Policy) -> dict[str, float]:
        drawn, rewards = answers(policy, self.world, DECODING, self.seed, {"gold": self.world.reward, "liked": self.liked}, each=2)
        return {name: float(values.mean()) for name, values in rewards.items()} | {"KL": divergence(drawn, policy, self.policy)}


start = lru_cache(maxsize=4)(Start)


@lru_cache(maxsize=16)
def asked(teacher: str, seed: int, scale: str, rate: float) -> tuple[Policy, list[dict[str, Any]]]:
    return start(seed, scale).asked(teacher, rate)


def trial(
    arm: str, seed: int, scale: str, learning_rate: float, steps: int = STEPS, batch: int = ROWS, first: float = 0.0, beta: float = 0.0
) -> dict[str, Any]:
    here, teacher = start(seed, scale), arm.removesuffix(", feedback")
    steps = min(steps, 2) if here.small else steps
    if teacher == arm:
        path = [here.before, *here.learn(copy_of(here.policy), here.shown(teacher, here.calls), imitate(learning_rate), steps, batch)]
    else:
        student, verdicts = asked(teacher, seed, scale, first)
        path = [here.before, here.measured(student), *here.learn(copy_of(student), verdicts, prefer(learning_rate, beta), steps, batch)]
    curves = {name: {x: found[name] for x, found in enumerate(path)} for name in path[0]}
    return curves | {TUNED_BY: path[-1]["gold"], "liked at the end": path[-1]["liked"]}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    for teacher in BEST_OF:
        arms[f"{teacher}, feedback"]["gain"] = arms[f"{teacher}, feedback"][TUNED_BY] - arms[teacher][TUNED_BY]
    return arms
