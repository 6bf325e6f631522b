"""What is minimised: tensors in, a loss per step or per pair out; averaging is a separate part (``reduce``).

On this floor lie the compositions. Of a score with what it costs: ``pairwise``, ``listwise``, ``pointwise``. Of a loss with where it is
computed: ``on_side``, ``on_actor``, ``against``.
"""
