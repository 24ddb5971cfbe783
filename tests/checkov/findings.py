"""What checkov found, beside what was accepted. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Finding: TypeAlias = tuple[str, str]
"""The check and the resource's logical id."""


def found_in(report: Mapping[str, Any]) -> dict[Finding, str]:
    """What each failed check says. Raises ValueError for a report of templates that checkov did not
    read."""
    summary = report.get("summary", {})
    if not summary.get("passed") or summary.get("parsing_errors"):
        raise ValueError(f"checkov did not read the templates: {dict(report)!r:.500}")
    return {
        (row["check_id"], row["resource"].rpartition(".")[2]): str(row["check_name"])
        for row in report["results"]["failed_checks"]
    }


def accepted_in(document: Mapping[str, Any]) -> set[Finding]:
    """Return the findings accepted in the file. Raises ValueError for one without a reason, or
    twice."""
    pairs = [(check, name) for check, entry in document.items() for name in entry["resources"]]
    for check, entry in document.items():
        if not entry["resources"] or not str(entry.get("reason", "")).strip():
            raise ValueError(f"{check}: name the resources and give a reason")
    if len(set(pairs)) < len(pairs):
        raise ValueError("a resource is named twice for one check")
    return set(pairs)


def differences(found: Mapping[Finding, str], accepted: set[Finding]) -> Iterator[str]:
    """A line for each finding that was not accepted, and each accepted one that is not found."""
    for check, resource in sorted(found.keys() - accepted):
        yield f"{check} {resource}: {found[check, resource]}; mend it, or accept it with a reason"
    for check, resource in sorted(accepted - found.keys()):
        yield f"{check} {resource}: is accepted, but not found any more; remove it from the file"
