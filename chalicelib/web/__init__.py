"""The REST API: one table of routes, and what is made from it.

The path of a request
  request_pipeline      authorise, parse, handle, respond; registers routes with Chalice
  access                identifies callers and checks their role
  dag_limits            what callers may reach whose token is limited to some DAGs
  request_parsing       turns an HTTP request into a `Call`, or an error that says what is wrong
  param_types           the types of parameters and body fields, and what they accept
  handlers/             what each route does: one command or one read
  responses             HTTP responses: values as JSON, and all errors in one shape
  conditional_requests  ETags: 304 for clients that already have the response

The table of routes and the document made from it
  routes/               method, path, handler, parameters, body and responses of every route
  response_models       the classes of responses, with the descriptions of their fields
  list_responses        those that are a page of a list
  response_schemas      JSON Schemas of those classes
  openapi               the OpenAPI document

Beside it
  page_files            the page's static files
  logs                  reads an attempt's log, also while it is written
  run_logs              all logs of a run as one stream, or the lines that contain a text
  artifact_previews     the beginning of an artifact, and how to show it
  costs                 what runs cost
  metrics_text          metrics in the text format of Prometheus
  task_places           where tasks run, and what an hour of it costs
  cross_site            protection against requests from other web pages

Every Lambda function imports this package through app.py, so it imports nothing that only the
API needs: handlers, database and parser are imported by the first request that needs them.
"""

from chalicelib.web.request_pipeline import answer_unknown_paths, register

__all__ = ["answer_unknown_paths", "register"]
