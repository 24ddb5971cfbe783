"""The REST API: one table of routes, and what is made from it.

A request's way
  request_pipeline      authorise, parse, handle, respond; how routes are registered with Chalice
  access                who is asking, and whether they may
  request_parsing       an HTTP request becomes a `Call`, or an error that says what is wrong
  param_types           the types of parameters and body fields, and what they accept
  handlers/             what each route does: one command or one read
  responses             values become JSON; errors become the one error shape
  conditional_requests  ETags: 304 for a reader who already has the answer

The table and the values, described
  routes/               method, path, handler, parameters, body, responses of every route
  response_models       what handlers return beyond what the database reads give
  response_schemas      JSON Schemas of the responses
  openapi               the OpenAPI document
  reference             the API reference of the README

Around it
  page_files            the page's static files
  logs                  reading an attempt's log while it grows and after
  prices                what runs cost
  cross_site            protection against requests from other web pages

Every Lambda function imports this package through app.py, so it imports nothing that only the
API needs: handlers, database and parser are imported by the first request that needs them.
"""

from chalicelib.web.request_pipeline import answer_unknown_paths, register

__all__ = ["answer_unknown_paths", "register"]
