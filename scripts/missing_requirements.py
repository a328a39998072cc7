"""Print the requirements of pyproject.toml that this interpreter does not meet, one a line: ``… EXTRA,EXTRA``."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def main() -> None:
    """Read the requirements, those of the extras included, and print those that are not met."""
    try:
        from packaging.requirements import Requirement

        if sys.version_info >= (3, 11):
            import tomllib
        else:
            import tomli as tomllib
    except ImportError as error:
        print(error.name)  # a dependency of ours, so it is missing itself
        return
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = [*project["dependencies"]]
    for extra in filter(None, sys.argv[1].split(",")):
        listed += project["optional-dependencies"][extra]
    for requirement in map(Requirement, listed):
        if requirement.marker and not requirement.marker.evaluate():
            continue
        try:
            met = requirement.specifier.contains(version(requirement.name), prereleases=True)
        except PackageNotFoundError:
            met = False
        if not met:
            print(requirement)


main()
