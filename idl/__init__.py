"""The contracts between the toolstack's processes, and what every daemon's start-up shares.

Imports nothing from the other rooms; every other room may import this one.
"""
