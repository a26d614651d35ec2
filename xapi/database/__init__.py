"""The object store: what a pool is, kept in memory on the coordinator and durable in SQLite.

Knows tables, rows, relations and generations; knows no XenAPI class.
"""
