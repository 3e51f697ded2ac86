"""`register-documents`, and the registered documents that a gateway starts with."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
import orjson

from commands.bounds import limits
from commands.options import chosen, data_option
from endpoints.registered import DocumentsUnreadable, RegisteredDocuments, read_documents
from engine.documents import Documents
from engine.errors import Code, RequestError
from resolvers.fleet_schema import build_schema
from services.settings import Settings

APOLLO: Final = "apollo-persisted-query-manifest"
ID_CHARACTERS: Final = 256
FORM: Final = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE


def registered_documents(settings: Settings) -> RegisteredDocuments:
    """The registered documents of a gateway. A file that the operator names has to be there."""
    path = settings.documents_file
    if settings.documents is not None and not path.exists():
        raise click.ClickException(f"{path} is not there; register-documents makes it")
    try:
        return RegisteredDocuments.of(path)
    except DocumentsUnreadable as error:
        raise click.ClickException(str(error)) from error


@click.command("register-documents")
@click.argument("manifest", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Forget all documents that are not in the manifest.")
@click.option("--documents", type=click.Path(path_type=Path), help="The file to register in; FLEETGRAPH_DOCUMENTS.")
@data_option
def register_documents(manifest: Path, *, replace: bool, **options: Any) -> None:
    """Register the documents of a manifest: of Apollo's format, or one JSON object of documents by id.

    Each is held against the schema and the limits first; when one does not fit, none is registered. Gateways that run
    take the new documents up within a second.
    """
    settings = chosen(**options)
    documents = read_manifest(manifest)
    _check(documents, settings)
    path = settings.documents_file
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path):
        known = _known(path)
        kept = {} if replace else known
        changed = [name for name, text in documents.items() if kept.get(name, text) != text]
        if changed:
            raise click.ClickException(
                f"these ids stand for other documents already: {', '.join(changed[:10])}. "
                "An id is one document for good; --replace forgets those of before"
            )
        _write(path, kept | documents)
    new = len(documents.keys() - known.keys())
    click.echo(f"{len(documents)} documents, {new} of them new; {len(kept | documents)} are registered in {path}.")


def read_manifest(path: Path) -> dict[str, str]:
    """The documents of a manifest, by id. Raises ClickException for what is none."""
    try:
        manifest = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise click.ClickException(f"{path} is not JSON: {error}") from error
    if isinstance(manifest, dict) and "operations" in manifest:
        documents = _of_apollo(path, manifest)
    elif isinstance(manifest, dict):
        documents = manifest
    else:
        raise click.ClickException(f"{path} holds neither a manifest of Apollo's nor an object of documents by id")
    for name, text in documents.items():
        if not isinstance(text, str):
            raise click.ClickException(f"{path}: what stands under {name[:80]!r} is no document")
        if not 0 < len(name) <= ID_CHARACTERS:
            raise click.ClickException(f"{path}: {name[:80]!r} is no id of 1 to {ID_CHARACTERS} characters")
    if not documents:
        raise click.ClickException(f"{path} holds no document")
    return documents


def _of_apollo(path: Path, manifest: Mapping[str, Any]) -> dict[str, str]:
    if manifest.get("format") != APOLLO or manifest.get("version") != 1:
        raise click.ClickException(f"{path} is no manifest of the format {APOLLO}, version 1")
    documents: dict[str, str] = {}
    for each in manifest["operations"] if isinstance(manifest["operations"], list) else [None]:
        name, text = (each.get("id"), each.get("body")) if isinstance(each, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(text, str):
            raise click.ClickException(f"{path}: an operation needs an `id` and a `body`")
        if documents.setdefault(name, text) != text:
            raise click.ClickException(f"{path}: {name[:80]!r} stands for two documents")
    return documents


def _check(documents: Mapping[str, str], settings: Settings) -> None:
    """Hold each document against the schema and the limits. Raises ClickException with all that do not fit."""
    known = Documents(build_schema()._schema, limits(settings))  # noqa: SLF001 - it has no public name
    refused: list[str] = []
    for name, text in documents.items():
        try:
            document = known.make(text, introspection=False)
        except RequestError as error:
            told = [each["message"] for each in error.errors]
            if error.code == Code.UNAUTHENTICATED:
                told = ["it asks for the schema"]
            refused += [f"{name}: {message}" for message in told]
            continue
        cost = max((each.cost.of({}).total for each in document.operations.values()), default=0)
        if not document.operations:
            refused.append(f"{name}: it has no operation")
        elif settings.max_cost and cost > settings.max_cost:
            refused.append(f"{name}: it costs {cost}, and {settings.max_cost} is the limit")
    if refused:
        raise click.ClickException("nothing is registered:\n  " + "\n  ".join(refused))


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock beside a file, so that two commands do not forget what the other has registered."""
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _known(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        return read_documents(path)
    except DocumentsUnreadable as error:
        raise click.ClickException(str(error)) from error


def _write(path: Path, documents: Mapping[str, str]) -> None:
    """Put a file into its place at once: a gateway reads what was there before, or all of the new one."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as made:
        try:
            made.write(orjson.dumps(documents, option=FORM))
            made.flush()
            os.fsync(made.fileno())
            os.fchmod(made.fileno(), 0o644)
            Path(made.name).replace(path)
        except BaseException:
            Path(made.name).unlink(missing_ok=True)
            raise
