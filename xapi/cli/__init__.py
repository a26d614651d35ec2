"""Server side of ``xe``: arguments in, API calls in the middle, texts and exit code out.

`arguments` and `printing` are the two doors; `records` describes what each class shows, as rows derived from the
datamodel; `reading` and `writing` turn rows into texts and API calls; `filters` chooses objects; commands call the
API through `api.Api` and never touch the database or another class's behaviour.
"""
