"""Benchmarks of a running host: ``python -m tests.bench`` prints a table and writes JSON.

Load comes from another process than the one measured, over the public API only. Throughput stands beside that of a bare
aiohttp handler answering as many bytes, measured in the same run: the ratio is what can be compared between machines.
"""
