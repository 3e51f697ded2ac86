"""`export-schema`."""

from __future__ import annotations

import sys

import click

from resolvers.fleet_schema import build_schema


@click.command("export-schema")
def export_schema() -> None:
    """Print the schema in the GraphQL schema language."""
    sys.stdout.write(build_schema().as_str() + "\n")
