"""A small causal LM built from a configuration: a Llama over characters, in ``transformers`` format, ready in a second.

Source: ours; the architecture is Llama's (arXiv 2302.13971) as ``transformers`` implements it. The default size, about half a million
parameters, learns to sort ten letters in a minute and a half of two CPU cores.
"""

from dataclasses import dataclass

import torch

from guerdon.models.language.policy import LanguagePolicy, device_of
from guerdon.models.language.precision import dtype_of
from guerdon.randomness import derive


@dataclass(frozen=True)
class SmallLanguageModel:
    """Specification of a small policy with random weights.

    Attributes:
        characters: the alphabet; a token for each, besides those for padding, beginning and end.
        words: texts of several characters that have a token of their own, such as the moves of a game: what takes four letters is not found by chance.
        context_length: positions, prompt and completion together.
        dtype: what is computed in, as in ``LanguageModel``. In models as small as the default one, shorter formats gain nothing.
    """

    characters: str
    layers: int = 2
    hidden: int = 128
    heads: int = 4
    context_length: int = 128
    device: str = "cpu"
    dtype: str = "float32"
    words: tuple[str, ...] = ()

    def build(self, seed: int = 0) -> LanguagePolicy:
        """Draw the weights from ``seed``."""
        from transformers import LlamaConfig, LlamaForCausalLM

        from guerdon.models.language.character_tokenizer import build as character_tokenizer

        tokenizer = character_tokenizer(self.characters, words=self.words)
        config = LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=self.hidden,
            intermediate_size=4 * self.hidden,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            num_key_value_heads=self.heads,
            max_position_embeddings=self.context_length,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            tie_word_embeddings=False,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(seed, "weights"))  # transformers draws from the global generator
            module = LlamaForCausalLM(config)
        device = device_of(self.device)
        return LanguagePolicy(module, tokenizer, device, dtype_of(self.dtype, device))
