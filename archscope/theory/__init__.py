"""Exact integers from closed forms; the standard library alone.

counts        parameters and multiply-accumulates of one layer
mixing_counts the same of attention, recurrences and scans
census        the layers of a network, and their sums
layers        one axis of a layer, and stacks of them
window        size, jump, start and centre after every layer
gridding      every coverage metric in one row, also against each map within
metrics       what a set of positions tells, and how paths spread over one
paths         how many paths lead from each position: the theoretical effective field
branches      parallel paths as a union, in any number of dimensions
units         one output exactly: borders, up-sampling, outputs that see nothing
borders       valid taps and unread inputs of a finite map
attention     reach of attention that remembers segments
outline       what a family says of its network: layers, branches or attention
suggest       dilations for a wanted receptive field; replacement: for a stack with holes
hdc           a rule from the literature, as a metric only

Beneath them: combs, coverage (the exact criterion), support, coupling, schedules, ripple, bits.
"""
