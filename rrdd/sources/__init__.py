"""Where numbers come from: a module per metric family, each turning what the kernel or xenopsd says into readings.

What cannot be measured is absent. Parsing is pure; the sampler reads the files.
"""
