"""What every test shares: one thread of torch in each worker, so that two workers on two cores do not fight, and a cache of its own."""

import os
import tempfile

import torch

torch.set_num_threads(1)
os.environ.setdefault("GUERDON_CACHE", tempfile.mkdtemp(prefix="guerdon-tests-"))
