"""Tells whether this process runs on AWS Lambda, and where layers are there."""

from __future__ import annotations

from collections.abc import Mapping


def is_lambda(environ: Mapping[str, str]) -> bool:
    """Returns whether the environment is that of a Lambda function."""
    return "AWS_LAMBDA_FUNCTION_NAME" in environ


LAYER_PROGRAMS = "/opt/bin"
LAYER_MODULES = "/opt/python"


def layer_variables(search_path: str, python: str) -> dict[str, str]:
    """The variables with which commands find what layers bring, for a `python` such as "3.13". The
    order is Lambda's own: programs come after the image's, modules before."""
    folders = search_path.split(":") if search_path else []
    if LAYER_PROGRAMS not in folders:
        folders.append(LAYER_PROGRAMS)
    packages = f"{LAYER_MODULES}/lib/python{python}/site-packages"
    return {"PATH": ":".join(folders), "PYTHONPATH": f"{packages}:{LAYER_MODULES}"}
