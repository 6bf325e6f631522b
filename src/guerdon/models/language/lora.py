"""LoRA: train low-rank additions to the weight matrices instead of the matrices.

    W x + (alpha / r) B A x,  with B = 0 at the start

Source: arXiv 2106.09685, eq. 3. ``r`` 16 and ``lora_alpha`` 32 on every linear layer: peft's and TRL's usual setting.
"""

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Lora:
    r: int = 16
    lora_alpha: float = 32.0
    target_modules: str | tuple[str, ...] = "all-linear"

    def wrap(self, module: nn.Module, seed: int) -> nn.Module:
        """The module with fresh adapters, everything else frozen."""
        import torch
        from peft import LoraConfig, get_peft_model

        target = self.target_modules if isinstance(self.target_modules, str) else list(self.target_modules)
        config = LoraConfig(r=self.r, lora_alpha=self.lora_alpha, target_modules=target, task_type="CAUSAL_LM")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # peft draws from the global generator
            return get_peft_model(module, config)
