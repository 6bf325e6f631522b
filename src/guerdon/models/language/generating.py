"""``generate`` of ``transformers``, told exactly what to do, with the log-probabilities that it drew with."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from guerdon.sequences import Decoding


@torch.no_grad()
def generate(module: Any, prompts: list[Tensor], decoding: Decoding, ends: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
    """Tokens and log-probabilities [B, S] of what follows the prompts; after a row's end whatever ``transformers`` fills up with."""
    from transformers import GenerationConfig

    width = max(len(prompt) for prompt in prompts)
    ids = torch.stack([torch.nn.functional.pad(prompt, (width - len(prompt), 0)) for prompt in prompts])
    attend = torch.stack([torch.arange(width) >= width - len(prompt) for prompt in prompts]).long()
    draws = decoding.temperature > 0
    drawing = {"temperature": decoding.temperature, "top_k": decoding.top_k, "top_p": decoding.top_p, "min_p": decoding.min_p}
    config = GenerationConfig(
        max_new_tokens=decoding.max_completion_length,
        do_sample=draws,
        **(drawing if draws else {}),
        eos_token_id=ends.tolist() or None,
        pad_token_id=0,
        return_dict_in_generate=True,
        output_scores=True,
    )
    with _nothing_else(module):
        out = module.generate(input_ids=ids.to(device), attention_mask=attend.to(device), generation_config=config)
    taken = out.sequences[:, width:]
    logp = [s.float().log_softmax(-1).gather(-1, taken[:, i, None]).squeeze(-1) for i, s in enumerate(out.scores)]
    return taken.cpu(), torch.stack(logp, -1).cpu()


@contextmanager
def _nothing_else(module: Any) -> Iterator[None]:
    """Within, nothing is taken from the model's own generation configuration, with which ``transformers`` fills up what it is not told."""
    from transformers import GenerationConfig

    base = module.get_base_model() if hasattr(module, "get_base_model") else module
    own = base.generation_config
    base.generation_config = GenerationConfig()
    try:
        yield
    finally:
        base.generation_config = own
