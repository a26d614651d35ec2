"""The figures of the API core: a host of the benchmark's own (no guests: the simulator), with as many objects as a pool has."""
