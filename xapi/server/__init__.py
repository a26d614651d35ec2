"""The front door: HTTP, XML-RPC, JSON-RPC, sessions, roles, tasks, dispatch, events. Knows no class by name,
but for session, task and event, which are its own.
"""
