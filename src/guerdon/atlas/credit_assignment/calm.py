"""CALM: a language model says of each transition whether a subgoal was achieved, and the policy is paid for it.

World: eight prompts, answers of eight steps over three actions, of which three that differ from prompt to prompt decide (``_worlds.Decisive``): the task is done where all
are right, and the right thing at each of them is a subgoal. Policies are tables with logits from N(0, 1). A seed is another world, policy and labeller.

The labeller says yes (1) or no (0) of a step. It stands for a language model: "right" always agrees, "noisy" says the other of a twentieth of the prompts' steps, drawn once
for each, so that its F1 is what zero-shot labels may have. "F1" is measured over all steps that can be; 0.25 is that of yes to everything.

Arms, all PPO as in ``drlc``: with the task's reward alone, and with a bonus for every yes. Tuned by the success rate after 8 rounds: the learning rates of policy and critic
and the weight of the bonus, twelve settings for each arm.

"reward": chance that the task is done, exact, after 4, 8, 12 and 20 rounds. A bonus is no potential: it may change what is best, and a false yes is paid for ever.

The smallest difference of interest: 0.02 of a success rate.

Source: Pignatelli et al. 2024, arXiv 2409.12798, of which the abstract and a summary were read. There language models label transitions of MiniHack, and the labels are held
to people's; options that end where a subgoal is achieved are proposed and not trained either.
"""

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.credit_assignment._judges import ppo, practised, verdicts
from guerdon.atlas.credit_assignment._worlds import Decisive
from guerdon.randomness import derive

system = System(
    title="Assessing the Zero-Shot Capabilities of LLMs for Action Evaluation in RL",
    link="https://arxiv.org/abs/2409.12798",
    kind="study",
    builds_on=("ppo", "judged-steps"),
    read="abstract",
    waits_for="a control world with observations in text, and a language model that labels them",
    note=(
        "With both critics tuned, a bonus from noisy labels is neither ahead of the task's reward nor behind it by what 12 "
        "seeds can show (0.06 at the end, give or take 0.09)."
    ),
)
STOPS = (4, 8, 12, 20)
WRONG = {"bonus, right": 0.0, "bonus, noisy": 0.05}
recipe = {"PPO": ppo(0.1, 0.1, 0.0)} | {arm: ppo(0.1, 0.1, 0.3) for arm in WRONG}
claim = AllOf(
    BetterThan("bonus, noisy", "PPO", on="reward", at=8, effect=0.02, matched="samples, updates"),
    BetterThan("bonus, noisy", "PPO", on="reward", at=20, effect=0.02, matched="samples, updates"),
    BetterThan("bonus, right", "PPO", on="reward", at=8, effect=0.02, matched="samples, updates", by_construction=True),
    BetterThan("bonus, noisy", 0.25, on="F1", effect=0.1),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 2}
_PAID = {"learning_rate": (0.2, 0.6), "critic_rate": (0.03, 0.1), "weight": (0.03, 0.1, 0.3)}
GRID = {"PPO": {"learning_rate": (0.1, 0.2, 0.4, 0.8), "critic_rate": (0.03, 0.1, 0.3)}} | dict.fromkeys(WRONG, _PAID)
TUNED_BY = "early"


def trial(arm: str, seed: int, scale: str, learning_rate: float, critic_rate: float, weight: float = 0.0) -> dict:
    """One arm, trained."""
    found = practised(seed, scale, (learning_rate, critic_rate), weight, 0.0, WRONG.get(arm, 0.0), STOPS)
    return {"reward": found, "early": found[8], **({"F1": agreement(seed, WRONG[arm])} if arm in WRONG else {})}


def agreement(seed: int, wrong: float) -> float:
    """F1 of the labels."""
    world = Decisive(8, 3, 8, 3, derive(seed, "world"))
    said, true = (verdicts(world, 0.0, share, derive(seed, "judge")) > 0 for share in (wrong, 0.0))
    return 2 * float((said & true).sum()) / float(said.sum() + true.sum())
