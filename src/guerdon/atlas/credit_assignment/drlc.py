"""DRLC: a critic marks the good and the bad spans of an answer, and their tokens earn besides the outcome.

World: eight prompts, answers of eight steps over three actions, of which three that differ from prompt to prompt decide (``_worlds.Decisive``): the outcome is 1 where all
are right. Policies are tables with logits from N(0, 1). A seed is another world, policy and critic.

The critic says 1 of the right thing at a decisive place, -1 of another there, and 0 of all else; "a tenth wrong" and "three tenths wrong" say something else of so many of
the prompts' steps, drawn once for each (``_judges.verdicts``): most of what they praise or blame then does not matter.

Arms, all PPO with a critic of values that is a table of all prefixes, 16 answers a prompt, two epochs of two minibatches and GAE: "PPO" has the outcome alone, the others the
marks besides. Tuned by the success rate after 8 rounds: the learning rates of policy and values, and the weight of the marks; for PPO the two rates on a finer grid, so that
each arm has twelve settings.

"reward": expected outcome, exact, after 4, 8, 12 and 20 rounds. That right marks help follows from what they tell; whether wrong ones do is open.

The smallest difference of interest: 0.02 of a success rate.

Source: Cao et al. 2024, arXiv 2401.07382, of which the abstract was read. There GPT-3.5, or the policy itself, marks spans of reviews, continuations and summaries.
"""

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.credit_assignment._judges import ppo, practised

system = System(
    title="DRLC: Reinforcement Learning with Dense Rewards from LLM Critic",
    link="https://arxiv.org/abs/2401.07382",
    kind="method",
    builds_on=("ppo", "judged-steps"),
    read="abstract",
    note=(
        "Right marks save a few rounds, by construction; with a tenth of them wrong the lead is not to be told from none with "
        "12 seeds, and with three tenths wrong training ends 0.06 below the outcome alone."
    ),
)
STOPS = (4, 8, 12, 20)
WRONG = {"DRLC": 0.0, "DRLC, a tenth wrong": 0.1, "DRLC, three tenths wrong": 0.3}
recipe = {"PPO": ppo(0.1, 0.1, 0.0)} | {arm: ppo(0.1, 0.1, 0.3) for arm in WRONG}
claim = AllOf(
    BetterThan("DRLC", "PPO", on="reward", at=8, effect=0.02, matched="samples, updates", by_construction=True),
    *(BetterThan(arm, "PPO", on="reward", at=8, effect=0.02, matched="samples, updates") for arm in list(WRONG)[1:]),
    *(BetterThan(arm, "PPO", on="reward", at=20, effect=0.02, matched="samples, updates") for arm in list(WRONG)[1:]),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 2}
_MARKED = {"learning_rate": (0.2, 0.6), "critic_rate": (0.03, 0.1), "weight": (0.03, 0.1, 0.3)}
GRID = {"PPO": {"learning_rate": (0.1, 0.2, 0.4, 0.8), "critic_rate": (0.03, 0.1, 0.3)}} | dict.fromkeys(WRONG, _MARKED)
TUNED_BY = "early"


def trial(arm: str, seed: int, scale: str, learning_rate: float, critic_rate: float, weight: float = 0.0) -> dict:
    """One arm, trained."""
    found = practised(seed, scale, (learning_rate, critic_rate), weight, 1.0, WRONG.get(arm, 0.0), STOPS)
    return {"reward": found, "early": found[8]}
