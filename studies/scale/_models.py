"""Shapes of published models, as their configurations say."""

from guerdon.costs.arithmetic import Shape

QWEN3_0_6B = Shape(28, 1024, 16, 8, 128, 3072, 151936, tied=True)
QWEN3_4B = Shape(36, 2560, 32, 8, 128, 9728, 151936, tied=True)
QWEN3_8B = Shape(36, 4096, 32, 8, 128, 12288, 151936)
QWEN3_32B = Shape(64, 5120, 64, 8, 128, 25600, 151936)
QWEN3_30B_A3B = Shape(48, 2048, 32, 4, 128, 768, 151936, experts=128, active=8)
LLAMA_8B = Shape(32, 4096, 32, 8, 128, 14336, 128256)
QWEN25_7B = Shape(28, 3584, 28, 4, 128, 18944, 152064)
QWEN25_1_5B = Shape(28, 1536, 12, 2, 128, 8960, 151936)
