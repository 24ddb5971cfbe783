"""The REST API: one table of routes, and what is made from it.

    routes     the table: method, path, handler, parameters, body, answers
    kinds      the types of parameters, and what they accept
    requests   an HTTP request becomes a `Call`, or an error that says what is wrong with it
    answers    values become JSON; errors become the one error shape
    handling   the one way of every request: authorise, parse, handle, shape
    handlers/  what each route does: one call of a use case, or one read
    schemas, openapi, reference    the table and the values, described

Every Lambda function imports this package through app.py, so it brings nothing that only the
API needs: handlers, database and parser are imported by the first request that needs them.
"""

from chalicelib.web.handling import answer_unknown_paths, register

__all__ = ["answer_unknown_paths", "register"]
