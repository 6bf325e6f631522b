"""How much each step is to be praised or blamed for what followed. Tensors in, tensors out, no gradients.

A part that can say nothing of a group with fewer than so many sequences has ``members``, that number, and returns 0 for it: a sequence of which the reward
failed leaves its group, so that any group may turn out smaller than it was sampled.
"""
