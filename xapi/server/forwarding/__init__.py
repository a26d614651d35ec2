"""Calls between the hosts of a pool: which host answers, and how a call gets there.

`gate` is what a host lets in; `routes` says, as data, where each message runs; `forward` takes it there.
"""
