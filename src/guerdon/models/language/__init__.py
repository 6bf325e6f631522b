"""Language models: any causal LM of ``transformers``, as a policy, a scorer or a critic.

Specifications (``LanguageModel``, ``SmallLanguageModel``, ``Scorer``) say how to build; ``build()`` gives the running model. Everything outside this
room works on CPU tensors of [B, T]; only here is a device known.
"""
