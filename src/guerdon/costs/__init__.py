"""Costs: what a step takes, before it is made. Functions of sizes, lengths, cards and bandwidths, and nothing is run.

    arithmetic   operations of a step's passes                    shape, places → operations
    lengths      how long sampled completions are                 mean, longest → lengths
    machine      what a card reaches, and what connects cards     data sheet, shares → rates
    drawing      sampling with a cache                            shape, prompts, lengths, machine → seconds
    learning     passes with gradients, and the optimiser         shape, places, machine → seconds
    telling      what goes over the network                       bytes, cards, machine → seconds
    memory       what lies on a card                              shape, cards → bytes
    step         all of it, in turn or at once                    job, layout, machine → seconds of each part

Every number says its unit: ``_s`` seconds, ``_bytes`` bytes, ``_ops`` operations (a multiply-add is two), rates a second. ``guerdon check`` and the page docs/scale.md
read the same functions; what they are fitted to, and how far they are off, is on that page.
"""
