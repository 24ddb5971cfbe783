"""The results of tests as JUnit's XML, which CI systems read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A case of a test file; it passed if nothing differs. `seconds` of real time."""

    path: Path
    name: str
    differences: tuple[str, ...]
    seconds: float


def document(results: Sequence[CaseResult]) -> bytes:
    """The XML, with a suite for each file."""
    root = ElementTree.Element("testsuites")
    for path in dict.fromkeys(result.path for result in results):
        of_file = [result for result in results if result.path == path]
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=str(path),
            tests=str(len(of_file)),
            failures=str(sum(bool(result.differences) for result in of_file)),
        )
        for result in of_file:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                classname=str(path),
                name=result.name,
                time=f"{result.seconds:.3f}",
            )
            if result.differences:
                failure = ElementTree.SubElement(case, "failure", message=result.differences[0])
                failure.text = "\n".join(result.differences)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text
