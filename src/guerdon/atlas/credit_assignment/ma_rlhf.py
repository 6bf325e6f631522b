"""MA-RLHF: several steps are one action, with one value and one advantage.

World: eight prompts, answers of eight steps over three actions, of which three that differ from prompt to prompt decide (``_worlds.Decisive``); policies are tables with logits
from N(0, 1), and the critic is a table of the values of all prefixes. A seed is another world and policy.

Arms: PPO (GAE over steps, lambda 0.95) and MA-PPO with macro-actions of 2, 4 and 8 steps (a segment's value is the mean of the critic's over it, as in the authors' code); of
8 steps the whole answer is one action. Each has 16 answers a prompt, two epochs of two minibatches, and learning rates of policy and critic that are tuned for it. In a first
confirmation the critic's was three times the policy's: 0.9 at the best, where a table of values overshoots.

"reward": expected, exact, after 4, 8, 12, 16 and 20 rounds; "half way" is after 10 and what is tuned by. The paper says that a reward is reached 1.7 to 2 times sooner. In
addition MA-PPO with n = 1 and PPO are trained from one start by one rate; the largest difference of their rewards is to be 0.

The smallest difference of interest: 0.02 of a success rate.

Source: Chai et al. 2024, arXiv 2410.02743, of which the abstract was read, and its authors' code (github.com/ernie-research/MA-RLHF, ``ppo_trainer.py``). There the reward is
learned, the models have 2 to 27 billion parameters, and n is 5. Here a critic knows every prefix apart, which makes the step's own values as good as they can be.
"""

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, EqualTo, System
from guerdon.atlas.credit_assignment._worlds import Decisive, trained
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.advantages.segment_gae import SegmentGAE
from guerdon.credit.segments.every_n import EveryN
from guerdon.credit.targets.lambda_return import LambdaReturn
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.values.clipped_regression import ClippedRegression
from guerdon.models.finite.prefix_value import PrefixValue
from guerdon.randomness import derive
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Learning, Recipe, Term

system = System(
    title="MA-RLHF: Reinforcement Learning from Human Feedback with Macro Actions",
    link="https://arxiv.org/abs/2410.02743",
    kind="method",
    builds_on=("ppo", "segment-gae", "every-n"),
    read="code",
    note=(
        "A first confirmation had macro-actions 0.2 to 0.4 behind PPO: the critic's rate hung on the policy's, and overshot. "
        "With a rate of its own for each, nobody is ahead by what 12 seeds can show. In this world a critic knows every prefix "
        "apart, which is the best case of PPO."
    ),
)
STOPS = (4, 8, 10, 12, 16, 20)
LENGTHS = {"PPO": 0, "MA-PPO, n 2": 2, "MA-PPO, n 4": 4, "MA-PPO, n 8": 8}


def method(n: int, learning_rate: float, critic_rate: float) -> Recipe:
    """``n`` steps are an action; 0: plain PPO."""
    gae = SegmentGAE() if n else GAE()
    return Recipe(
        (Term(Clip(0.2)),),
        AdamW(learning_rate),
        Group(16),
        segments=EveryN(n) if n else None,
        advantage=BatchNormalised(gae),
        target=LambdaReturn(gae),
        epochs=2,
        minibatches=2,
        learners={"critic": Learning((Term(ClippedRegression()),), optimiser=AdamW(critic_rate))},
    )


recipe = {arm: method(n, 0.1, 0.1) for arm, n in LENGTHS.items()}
claim = AllOf(
    *(BetterThan(arm, "PPO", on="reward", at=10, effect=0.02, matched="samples, updates") for arm in ("MA-PPO, n 2", "MA-PPO, n 4")),
    BetterThan("MA-PPO, n 4", "MA-PPO, n 8", on="reward", at=10, effect=0.02, matched="samples, updates"),
    EqualTo("PPO", 0.0, on="difference from n 1", tolerance=1e-12),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 2}
GRID = {arm: {"learning_rate": (0.1, 0.3, 0.9), "critic_rate": (0.03, 0.1, 0.3)} for arm in LENGTHS}
TUNED_BY = "half way"


def trial(arm: str, seed: int, scale: str, **rates: float) -> dict:
    """One arm, trained."""
    found = practised(LENGTHS[arm], seed, scale, **rates)
    return {"reward": found, "half way": found[10]}


def practised(n: int, seed: int, scale: str, **rates: float) -> dict[int, float]:
    small = scale == "smoke"
    world = Decisive(2 if small else 8, 3, 4 if small else 8, 3, derive(seed, "world"))
    critic = PrefixValue(world.contexts, world.vocabulary, world.depth).build()
    found = trained(method(n, **rates), world, seed, (2,) if small else STOPS, learners={"critic": critic})["reward"]
    return {stop: found[2] if small else found[stop] for stop in STOPS}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    alike = practised(1, seed, scale, **tuned["PPO"])
    arms["PPO"]["difference from n 1"] = max(abs(alike[stop] - arms["PPO"]["reward"][stop]) for stop in STOPS)
    return arms
