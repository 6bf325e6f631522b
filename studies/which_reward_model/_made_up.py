"""Made up: a few answers and a small model that knows nothing, to see that everything runs."""

from guerdon.models.language.small_language_model import SmallLanguageModel
from studies.which_reward_model._answers import Answers, Asked
from studies.which_reward_model._fitting import Bodies, adapted
from studies.which_reward_model._kinds import ADAPTERS, KINDS, LAYERS, SENTENCES, STEPWISE

_BODY = SmallLanguageModel("abcde\n> ", layers=1, hidden=16, heads=2, context_length=64).build(0)
BODIES: Bodies = {body: adapted(_BODY, 0) for body in (SENTENCES, LAYERS, ADAPTERS)}
FEW = {
    name: (KINDS | STEPWISE)[name]
    for name in ("comparisons on layers", "ensemble", "laplace, pessimistic", "verdicts", "verdicts on steps, their minimum")
}


def _asked(letters: str) -> list[Asked]:
    """Prompts of two of the letters; answers that begin with an a are right."""
    prompts = [f"{a}{b}>" for a in letters for b in letters if a != b]
    return [Asked(prompt, ("a\nb", "b\na", "b\nb", "a\na"), (True, False, False, True)) for prompt in prompts]


ANSWERS = Answers({"train": _asked("abc"), "validation": _asked("de"), "test": _asked("cd")}, _asked("cd"), "made-up answers")
