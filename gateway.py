"""Fleetgraph: one GraphQL endpoint for a whole IoT fleet.

The composition root (settings -> store -> schema -> application) and the command line: `python gateway.py --help`.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

import click
import uvloop
from aiohttp import web
from sqlalchemy.exc import DBAPIError
from tqdm import tqdm

from commands.bounds import endpoint_settings, limits
from commands.devices import make_device_routes
from commands.documents import register_documents, registered_documents
from commands.duties import make_scheduler
from commands.explain import explain
from commands.options import chosen, data_option, database_option, host_option, port_option
from commands.schema import export_schema
from commands.simulation import keys_file, run_simulator, simulate_beside
from commands.storage import open_storage
from demo.fleet import DEFAULT_THINGS, KEPT_KEYS, DemoFleetExists, build_fleet, has_demo_fleet
from demo.people import DEMO_EMAIL, DEMO_PASSWORD
from endpoints.application import METRICS, PLACES
from endpoints.application import build_application as build_endpoints
from endpoints.logs import configure_logs
from endpoints.resumable import file_routes
from endpoints.server import make_runner
from endpoints.tokens import TokenRoutes
from endpoints.workers import Workers
from engine.execution import Operations
from live.feed import Feed
from models import migrate as migrations
from models.errors import StoreError
from models.store import Store, StoreSettings, open_store
from resolvers.context import Context, Parts
from resolvers.fleet_schema import build_schema
from resolvers.guard import root_needs
from services import users
from services.access import Access
from services.errors import FleetError
from services.hearing import Hearing
from services.key_vault import KeyVault
from services.key_vault import load_secret as load_signing_secret
from services.offers import Offers
from services.passwords import Passwords
from services.presence import Presence, PresenceTimes
from services.reports import Reports
from services.sessions import Authenticator
from services.settings import Profile, Settings
from services.sign_ins import SignIns
from services.spool import Spool
from services.tail import Tail
from services.tokens import TokenKeys, load_secret
from services.unit_of_work import unit_of_work
from services.uploads import Files

PARTS: Final = web.AppKey("parts", Parts)
FEED: Final = web.AppKey("feed", Feed)
GC_THRESHOLDS: Final = (50_000, 20, 50)
Beside = Callable[[asyncio.Event], Awaitable[None]]


def build_parts(settings: Settings) -> Parts:
    """What a process is made of; opens no connection yet."""
    secret = settings.token_secret.get_secret_value() if settings.token_secret else load_secret(settings.data_dir)
    previous = settings.previous_token_secret.get_secret_value() if settings.previous_token_secret else None
    store = open_store(
        StoreSettings(
            url=settings.store_url,
            readers=settings.database_connections,
            statement_timeout=settings.statement_timeout,
        )
    )
    tail = Tail(store, retention_seconds=settings.event_retention_seconds)
    times = PresenceTimes(
        silence=settings.presence_seconds,
        lease=settings.presence_lease_seconds,
        sweep=settings.presence_sweep_seconds,
    )
    keys = TokenKeys.of(secret, previous)
    spool = Spool(settings.data_dir / "incoming")
    storage = open_storage(settings, spool)
    return Parts(
        settings=settings,
        store=store,
        keys=keys,
        vault=_open_vault(settings),
        passwords=Passwords(),
        storage=storage,
        spool=spool,
        files=Files(store, storage, spool, max_bytes=settings.max_artifact_bytes),
        tail=tail,
        presence=Presence(store, tail.wake, times),
        reports=Reports(store, tail.wake),
        hearing=Hearing(store, tail.wake),
        offers=Offers(store, tail.wake),
        sign_ins=SignIns(
            store,
            keys,
            tail.wake,
            settings.thing_token_seconds,
            settings.default_organization_id,
            settings.pending_things,
        ),
    )


def _open_vault(settings: Settings) -> KeyVault:
    """The vault of signing keys, with the secret of the settings or the one in the data directory."""
    secret = (
        settings.signing_secret.get_secret_value()
        if settings.signing_secret
        else load_signing_secret(settings.data_dir)
    )
    previous = settings.previous_signing_secret
    return KeyVault.of(secret, previous.get_secret_value() if previous else None)


def build_application(settings: Settings) -> web.Application:
    """The application of one gateway process."""
    schema = build_schema()
    parts = replace(build_parts(settings), needs=root_needs(schema._schema))  # noqa: SLF001 - it has no public name
    operations = Operations(schema, limits(settings), hide_suggestions=settings.profile is Profile.PRODUCTION)
    feed = Feed(parts, operations)
    authenticator = Authenticator(parts.store, parts.keys)
    application = build_endpoints(
        operations=operations,
        settings=endpoint_settings(settings),
        authenticate=authenticator.authenticate,
        make_context=partial(Context, parts),
        readiness=lambda: _readiness(parts.store),
        sdl=schema.as_str() + "\n",
        registered_documents=registered_documents(settings),
        live=feed,
        extra_routes=[
            *file_routes(parts.files, parts.addresses, settings.max_artifact_bytes),
            *make_device_routes(parts).routes(),
            *TokenRoutes(authenticator.authenticate_thing).routes(),
        ],
    )
    application[PARTS] = parts
    application[FEED] = feed
    application[METRICS].presence = parts.presence.counts
    application[PLACES].attend = parts.presence.attend

    scheduler = make_scheduler(parts)

    async def run_parts(_: web.Application) -> AsyncIterator[None]:
        await parts.storage.clean()
        await parts.tail.start()
        await feed.start()
        await scheduler.start()
        await parts.presence.start()
        yield
        await parts.reports.stop()
        await parts.presence.stop()
        await scheduler.stop()
        await feed.stop()
        await parts.tail.stop()
        await parts.store.close()

    async def leave(_: web.Application) -> None:
        parts.presence.leave()

    application.cleanup_ctx.append(run_parts)
    # Before the sockets are closed, which their things need not notice.
    application.on_shutdown.insert(0, leave)
    return application


async def _readiness(store: Store) -> Mapping[str, bool]:
    """Whether the database answers (it raises when it does not) and has the newest migration."""
    return {"database": True, "migrations": await migrations.is_current(store.reader)}


async def serve_until_stopped(settings: Settings, listening: socket.socket, beside: Beside | None = None) -> None:
    """Serve on a bound socket until SIGTERM or SIGINT; `beside` runs as long as connections are taken."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = make_runner(build_application(settings))
    await runner.setup()
    await web.SockSite(runner, listening, backlog=1024).start()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        await asyncio.gather(stop.wait(), *([beside(stop)] if beside else []))
    finally:
        await runner.cleanup()


def bind(settings: Settings) -> socket.socket:
    """A listening socket on the address of the settings, shared by workers; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if settings.workers > 1:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        raise click.ClickException(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}") from error
    return listening


def run_worker(settings: Settings) -> None:
    """Serve in this process; what `serve` and each of its workers run."""
    configure_logs(settings.log_format, settings.log_level)
    uvloop.run(serve_until_stopped(settings, bind(settings)))


@click.group(help=__doc__)
def main() -> None:
    """The command line."""


main.add_command(export_schema)
main.add_command(explain)
main.add_command(register_documents)
main.add_command(run_simulator)


@main.command()
@host_option
@port_option
@click.option("--workers", type=int, help="Processes that share the port; FLEETGRAPH_WORKERS.")
@click.option("--profile", type=click.Choice([each.value for each in Profile]), help="FLEETGRAPH_PROFILE.")
@database_option
@data_option
def serve(**options: Any) -> None:
    """Serve the gateway, by default in the production profile, on a migrated database."""
    settings = chosen(**options)
    configure_logs(settings.log_format, settings.log_level)
    if not asyncio.run(_is_migrated(settings)):
        raise click.ClickException("the database lacks migrations; run: python gateway.py migrate")
    registered_documents(settings)  # what is wrong with them is said once, before there are workers
    if settings.workers == 1:
        run_worker(settings)
        return
    if settings.port == 0:
        raise click.ClickException("several workers need a port of their own choosing: --port")
    bind(settings).close()
    Workers(run_worker, (settings,), count=settings.workers).run()


@main.command()
@database_option
@data_option
def migrate(**options: Any) -> None:
    """Bring the database to the shape that this version needs."""
    settings = chosen(**options)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    asyncio.run(migrations.upgrade(settings.store_url))
    click.echo("The database has the newest migration.")


@main.command("create-admin")
@click.option("--email", prompt=True, help="The e-mail address to sign in with.")
@click.password_option(help="The password, 8 to 256 characters; asked for when left out.")
@database_option
@data_option
def create_administrator(email: str, password: str, **options: Any) -> None:
    """Create a platform administrator: the account that creates the others."""
    asyncio.run(_create_admin(chosen(**options), email, password))
    click.echo(f"{email} administers the platform.")


@main.command()
@click.option("--things", default=DEFAULT_THINGS, show_default=True, help="How many things the fleet has.")
@click.option("--keys", default=KEPT_KEYS, show_default=True, help="Of how many things the simulator gets the keys.")
@database_option
@data_option
def demo(things: int, keys: int, **options: Any) -> None:
    """Build a demo fleet with groups, states and executions, on a migrated database."""
    asyncio.run(_build_demo(chosen(**options), things, keys))


@main.command()
@host_option
@port_option
@click.option("--things", default=DEFAULT_THINGS, show_default=True, help="How many things the demo fleet has.")
@database_option
@data_option
def dev(things: int, **options: Any) -> None:
    """Start everything for a look around: database, demo fleet, gateway (development profile) and simulator."""
    settings = chosen(profile=Profile.DEVELOPMENT, log_format="console", **options)
    configure_logs("console", "warning")
    uvloop.run(_run_dev(settings, things))


async def _is_migrated(settings: Settings) -> bool:
    store = open_store(StoreSettings(url=settings.store_url))
    try:
        return await migrations.is_current(store.reader)
    finally:
        await store.close()


async def _create_admin(settings: Settings, email: str, password: str) -> None:
    parts = build_parts(settings)
    operator = Access(principal=None, is_platform_admin=True)
    try:
        account = await users.new_account(operator, parts.passwords, email=email, password=password)
        async with unit_of_work(parts.store, operator, parts.tail.wake) as work:
            await users.create(work, account, is_platform_admin=True)
    except FleetError as error:
        raise click.ClickException(error.message) from error
    finally:
        await parts.store.close()


async def _build_demo(settings: Settings, things: int, keys: int = KEPT_KEYS) -> None:
    parts = build_parts(settings)
    with tqdm(total=things, unit=" things", disable=None, dynamic_ncols=True) as bar:

        def progress(made: int, total: int) -> None:
            bar.total = total
            bar.update(made - bar.n)

        try:
            await build_fleet(
                parts.store,
                things=things,
                passwords=parts.passwords,
                storage=parts.storage,
                keys_file=keys_file(settings),
                kept_keys=keys,
                progress=progress,
            )
        except (DemoFleetExists, ValueError) as error:
            raise click.ClickException(str(error)) from error
        finally:
            await parts.store.close()
    click.echo(f"The demo fleet has {things:,} things. Sign in as {DEMO_EMAIL} with {DEMO_PASSWORD}")


async def _run_dev(settings: Settings, things: int) -> None:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    await migrations.upgrade(settings.store_url)
    parts = build_parts(settings)
    exists = await has_demo_fleet(parts.store)
    await parts.store.close()
    if not exists:
        await _build_demo(settings, things)
    listening = bind(settings)
    settings = settings.model_copy(update={"port": listening.getsockname()[1]})

    async def greet_and_simulate(stop: asyncio.Event) -> None:
        click.echo(_GREETING.format(url=settings.base_url, email=DEMO_EMAIL, password=DEMO_PASSWORD))
        await simulate_beside(settings.base_url, settings, stop)

    await serve_until_stopped(settings, listening, greet_and_simulate)


_GREETING: Final = """
Fleetgraph is running, with a demo fleet whose things report every few seconds.

  GraphiQL        {url}/
  GraphQL         {url}/graphql
  Schema          {url}/schema.graphql
  Sign in         {email} / {password}

Press Ctrl+C to stop.
"""

if __name__ == "__main__":
    try:
        main()
    except StoreError as error:
        raise SystemExit(f"Error: {error}") from error
    except (OSError, DBAPIError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        raise SystemExit(f"Error: the database or a file cannot be used: {reason}") from error
