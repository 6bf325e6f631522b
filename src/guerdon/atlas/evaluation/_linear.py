"""What experiments with linear reward models share: the best weights for pairs whose better side is known."""

import numpy as np


def fitted(difference: np.ndarray, ridge: float) -> np.ndarray:
    """[D], the Bradley-Terry weights of pairs with features [N, D] of the better less those of the worse, under a prior of that precision."""
    weight = np.zeros(difference.shape[1])
    for _ in range(50):
        miss = 1 / (1 + np.exp(np.clip(difference @ weight, -500, 500)))
        slope = difference.T @ miss - ridge * weight
        curve = (difference * (miss * (1 - miss))[:, None]).T @ difference + ridge * np.eye(len(weight))
        step = np.linalg.solve(curve, slope)
        weight = weight + step * min(1.0, 5 / max(abs(step).max(), 1e-300))
        if abs(step).max() < 1e-8:
            break
    return weight
