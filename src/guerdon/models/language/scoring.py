"""Where a scorer reads its score, here and wherever else its folder is loaded.

The sequence classifiers of ``transformers`` read the last token that is not the padding token. Where a tokenizer pads with the very token that ends an
answer, that is the token before the end, which was never trained. So a scorer is saved with a padding token that ends nothing: the tokenizer's own, another
special token made for it, or a new one.

What is scored here ends with the answer's end token. The reward trainer of TRL, and whoever else applies a chat template, scores the last token of the whole
template, in ChatML the line break after it. Which of the two a folder means is written into ours (``scored_at: end``) and is what ``transformers`` does
where nothing is written.

Source: ours; the rule is that of ``GenericForSequenceClassification`` of ``transformers``.
"""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models.language.loading import SCORER, STEP_SCORER, Kind
from guerdon.models.moving import onto
from guerdon.sequences import Sequences

SCORED_AT, END = "scored_at", "end"
NEW = "<|padding|>"


@dataclass(frozen=True)
class Scored:
    """Where the score is read.

    Attributes:
        whole: at the end of all that the chat template writes, not of the answer.
        padding: the token that is passed over at the end of a sequence; None: none is.
    """

    whole: bool = False
    padding: int | None = None

    @classmethod
    def of(cls, config: Any) -> "Scored":
        """As a saved classifier means it."""
        return cls(getattr(config, SCORED_AT, None) != END, config.get_text_config().pad_token_id)

    def places(self, sequences: Sequences, last: Tensor, asked: Tensor) -> Tensor:
        """[B], where scores are read, of the places ``last`` of last tokens and ``asked`` of those that are answered; each side lies in one piece."""
        if self.padding is None:
            return last
        back = torch.tensor([self._padded(sequences, row) for row in range(len(sequences))])
        within = back < sequences.length
        within, back, before = onto(last.device, within, back, back - sequences.length)
        return torch.where(within, last - back, asked - before)

    def _padded(self, sequences: Sequences, row: int) -> int:
        """How many tokens of padding a sequence ends with; where it is nothing else, all but the first."""
        tokens = torch.cat([sequences.contexts[int(sequences.context[row])], sequences.actions[row, : int(sequences.length[row])]])
        others = (tokens != self.padding).nonzero()
        return len(tokens) - 1 - (int(others[-1]) if len(others) else 0)


def can_be_scorer(body: Any, kind: Kind) -> None:
    """Refuse, before the first step, a model of which no classifier of the kind could be saved.

    Raises:
        InputError: ``transformers`` has none.
    """
    config = body.config
    if type(config) not in kind.known:
        raise InputError(
            f"a {type(body).__name__} cannot be a reward model: transformers has no {kind.ending} of the kind {config.model_type!r} to save it as; take a model "
            "of another family"
        )


def write_scorer(body: Any, head: nn.Module, tokenizer: Any, ends: Tensor, scored: Scored, folder: Path) -> None:
    """A folder that ``AutoModelForSequenceClassification`` reads, with the score that is read here."""
    tokenizer, config = copy.deepcopy(tokenizer), copy.deepcopy(body.config)
    if not scored.whole:
        setattr(config, SCORED_AT, END)
    padding = scored.padding if scored.padding is not None else padding_of(tokenizer, {int(t) for t in ends})
    classifier = _classifier(body, config, SCORER, head.state_dict())
    rows = classifier.get_input_embeddings().weight.shape[0]
    if padding >= rows:
        with torch.random.fork_rng(devices=[]):
            classifier.resize_token_embeddings(padding + 1, mean_resizing=False)
        with torch.no_grad():
            classifier.get_input_embeddings().weight[rows:] = 0
    classifier.config.get_text_config().pad_token_id = classifier.config.pad_token_id = padding
    _written(classifier, tokenizer, folder)


def write_step_scorer(body: Any, head: nn.Linear, tokenizer: Any, folder: Path) -> None:
    """A folder that ``AutoModelForTokenClassification`` reads: of its two outputs the second less the first are the log-odds that the step which ends there is right."""
    config = copy.deepcopy(body.config)
    config.id2label, config.label2id = {0: "wrong", 1: "right"}, {"wrong": 0, "right": 1}
    said = head.state_dict()
    both = {name: torch.cat([torch.zeros_like(value), value]) for name, value in said.items()}
    _written(_classifier(body, config, STEP_SCORER, both), tokenizer, folder)


def read_step_head(module: Any) -> dict[str, Tensor]:
    """What ``write_step_scorer`` made of a head: the difference of a classifier's two outputs."""
    state = {name: value.float() for name, value in module.score.state_dict().items()}
    state.setdefault("bias", torch.zeros(2))
    return {name: value[1:] - value[:1] for name, value in state.items()}


def _classifier(body: Any, config: Any, kind: Kind, head: dict[str, Tensor]) -> Any:
    config.num_labels = kind.outputs
    with torch.random.fork_rng(devices=[]):
        classifier = kind.loader.from_config(config).to(next(body.parameters()).dtype)
    classifier.base_model.load_state_dict(body.base_model.state_dict())
    classifier.score.load_state_dict(head)
    return classifier


def _written(classifier: Any, tokenizer: Any, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    classifier.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def padding_of(tokenizer: Any, ends: set[int]) -> int:
    """A token that pads and ends nothing; it becomes the tokenizer's padding token."""
    own = tokenizer.pad_token_id
    if own is None or own in ends:
        made_for_it = [
            token
            for number, token in sorted(tokenizer.added_tokens_decoder.items())
            if token.special and number not in ends and "pad" in str(token.content).lower()
        ]
        if made_for_it:
            tokenizer.pad_token = made_for_it[0].content
        else:
            tokenizer.add_special_tokens({"pad_token": NEW})
    return tokenizer.pad_token_id
