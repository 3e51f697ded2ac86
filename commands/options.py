"""What several commands ask for, and the settings that come of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from services.settings import Settings

database_option = click.option("--database", "database_url", help="The database's address; FLEETGRAPH_DATABASE_URL.")
data_option = click.option(
    "--data-dir", type=click.Path(path_type=Path), help="The data directory; FLEETGRAPH_DATA_DIR."
)
host_option = click.option("--host", help="The address to listen on; FLEETGRAPH_HOST.")
port_option = click.option("--port", type=int, help="The port to listen on; FLEETGRAPH_PORT.")


def chosen(**options: Any) -> Settings:
    """The settings of the environment, with the options of the command line that were given."""
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        wrong = [f"{'.'.join(str(step) for step in each['loc'])}: {each['msg']}" for each in error.errors()]
        raise click.ClickException("these settings cannot be used: " + "; ".join(wrong)) from error
