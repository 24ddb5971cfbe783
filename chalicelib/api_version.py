"""The version of the REST API, which server and command line must share.

It changes when a route, a parameter or a field is removed or means something else, not when one is
added.
"""

from __future__ import annotations

API_VERSION = "1"
API_VERSION_HEADER = "Orchestrator-Api-Version"
"""A header of every answer of the API."""
