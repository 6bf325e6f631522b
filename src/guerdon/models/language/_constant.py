"""A learner that engines are shown on: a GPT-2 over the tokens 0 (the end), 1 and 2 whose next token has the same distribution everywhere."""

from collections.abc import Set
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from guerdon.sequences import Sequences


class Constant:
    """The next token is 0, 1 or 2 with the probabilities 1/4, 1/2 and 1/4, whatever came before."""

    device = torch.device("cpu")
    ends = torch.tensor([0])
    tokenizer = None

    @cached_property
    def computing(self) -> Any:
        """The last normalisation forgets what it reads and gives a constant, of which the head reads the logits."""
        from transformers import GPT2Config, GPT2LMHeadModel

        sizes = {"vocab_size": 3, "n_positions": 16, "n_embd": 2, "n_layer": 1, "n_head": 1}
        module = GPT2LMHeadModel(GPT2Config(**sizes, eos_token_id=0, bos_token_id=0, tie_word_embeddings=False)).eval()
        with torch.no_grad():
            module.transformer.ln_f.weight.zero_()
            module.transformer.ln_f.bias.copy_(torch.tensor([1.0, 0.0]))
            module.lm_head.weight.copy_(torch.tensor([[0.25, 1.0], [0.5, 1.0], [0.25, 1.0]]).log())
        return module

    @property
    def module(self) -> Any:
        return self.computing

    def measure(self, sequences: Sequences, names: Set[str]) -> dict[str, Tensor]:
        """The log-probabilities of what was done."""
        return {"logp": torch.where(sequences.mask, torch.tensor([0.25, 0.5, 0.25]).log()[sequences.actions], 0.0)}
