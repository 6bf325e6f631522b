"""Saving: a folder from which anybody gets the model that was trained, and stops where it stopped.

* Merged adapters on a model whose embedding is also its output head make two matrices of one: both are saved, and the configuration says so.
* The generation configuration names every token that ended a completion here.
* Adapters by themselves name the base on which they belong.

Source: ours; the formats are those of ``transformers`` and ``peft``.
"""

import copy
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

RESIZED = "guerdon_resized"  # set on a base whose embedding was given more rows than it has where it lies


def merged(module: Any) -> Any:
    """The module without adapters, which are added to its weights; the sums are computed in float32 and rounded to the weights' format. The ``peft`` module
    is used up. Weights of four bits are written out first."""
    from guerdon.models.language.four_bits import unpack

    unpack(module)
    _untie(module.get_base_model())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that embedding and head are no longer one, which is what was done
        whole = module.merge_and_unload()
    _tie_again(whole)
    return whole.requires_grad_(True)


def write(module: Any, tokenizer: Any, ends: Tensor, folder: Path) -> None:
    """The module's folder: weights, configurations and tokenizer; of adapters, them and what they stand on. Whoever generates from it ends where
    ``ends`` says."""
    from transformers import GenerationConfig

    folder.mkdir(parents=True, exist_ok=True)
    own = getattr(module, "generation_config", None) or GenerationConfig()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if hasattr(module, "disable_adapter"):
            module.save_pretrained(folder, save_embedding_layers=_is_resized(module))
        else:
            module.generation_config = GenerationConfig()  # what others wrote is not always what transformers is willing to write
            try:
                module.save_pretrained(folder)
            finally:
                module.generation_config = own
    generation, ids = copy.deepcopy(own), ends.tolist()
    generation.eos_token_id = (ids if len(ids) > 1 else ids[0]) if ids else generation.eos_token_id
    generation.to_json_file(folder / "generation_config.json")
    tokenizer.save_pretrained(folder)


def is_tied(module: Any) -> bool:
    """Whether the output head is the embedding."""
    head = module.get_output_embeddings()
    return head is not None and weight_of(head) is weight_of(module.get_input_embeddings())


def weight_of(layer: Any) -> Tensor:
    """The weight of a layer, beneath its adapters if it has some."""
    return (layer.get_base_layer() if hasattr(layer, "get_base_layer") else layer).weight


def _is_resized(module: Any) -> bool:
    """Whether the embedding has other rows than the base's own, so that it has to be saved with the adapters."""
    return bool(getattr(module.get_base_model(), RESIZED, False))


def _untie(base: Any) -> None:
    """Give the output head a weight of its own where something adapts one of the two uses of a shared one."""
    head, embedding = base.get_output_embeddings(), base.get_input_embeddings()
    if head is None or not is_tied(base) or (type(head) is nn.Linear and type(embedding) is nn.Embedding):
        return
    inner = head.get_base_layer() if hasattr(head, "get_base_layer") else head
    inner.weight = nn.Parameter(inner.weight.detach().clone(), inner.weight.requires_grad)


def _tie_again(module: Any) -> None:
    """Let the configuration say whether the output head is the embedding."""
    head, embedding = module.get_output_embeddings(), module.get_input_embeddings()
    if head is None:
        return
    if head.weight is not embedding.weight and torch.equal(head.weight, embedding.weight):
        head.weight = embedding.weight
    tied = head.weight is embedding.weight
    for config in (module.config, module.config.get_text_config()):
        if getattr(config, "tie_word_embeddings", tied) != tied:
            config.tie_word_embeddings = tied
    if not tied:
        module.all_tied_weights_keys = {}
