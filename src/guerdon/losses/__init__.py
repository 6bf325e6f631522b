"""What is minimised: tensors in, a loss per step or per pair out; averaging is a separate part (``reduce``)."""
