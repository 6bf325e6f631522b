"""What every test shares: one thread of torch in each worker, so that two workers on two cores do not fight."""

import torch

torch.set_num_threads(1)
