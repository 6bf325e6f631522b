"""How much each step is to be praised or blamed for what followed. Tensors in, tensors out, no gradients."""
