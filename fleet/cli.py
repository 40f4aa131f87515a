"""Commands of ``fleet``; heavy imports stay inside the commands, so that ``skybeat`` starts quickly.

Exit codes: 0 done; 1 something that is needed is not there; 2 the city file or the call is wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar
from uuid import UUID

import typer

from fleet.plancli import app as plan_app

if TYPE_CHECKING:
    from fleet.service import Plan
    from fleet.store.store import Store
    from missions.city import City

T = TypeVar("T")

WRONG = 2
NOT_THERE = 1
STOP_S = 2.8
"""Longest time from a signal to the end of the process."""

app = typer.Typer(pretty_exceptions_enable=False)
tokens_app = typer.Typer(no_args_is_help=True, help="Make, list and revoke access tokens.")
store_app = typer.Typer(no_args_is_help=True, help="Look after the database.")
app.add_typer(tokens_app, name="tokens")
app.add_typer(store_app, name="store")
app.add_typer(plan_app, name="plan")

CityOption = Annotated[Path, typer.Option("--city", help="The city file (YAML).")]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="Data folder; else SKYBEAT_DATA, else ~/.local/share/skybeat."),
]


@app.command()
def check(city: CityOption) -> None:
    """Say whether a city file is sound: every finding as file:line: key: rule."""
    found = _city(city, "")
    typer.echo(
        f"{city}: sound: {len(found.districts)} districts, {len(found.beats)} beats, "
        f"{len(found.docks)} docks, {len(found.drones)} drones, {len(found.sites)} sites"
    )


@app.command()
def serve(
    city: CityOption,
    docks: Annotated[
        str, typer.Option("--docks", help="Only these docks and their drones, e.g. d01,d02.")
    ] = "",
    data: DataOption = None,
    host: Annotated[
        str | None, typer.Option("--host", help="Where to listen; else the city file's.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="0: any free port.")
    ] = None,
    json_log: Annotated[
        bool, typer.Option("--json-log", help="Log one JSON object a line.")
    ] = False,
) -> None:
    """Run the controller: drones, docks, incidents, CADs, API and map."""
    found = _city(city, docks)
    with _clear_errors():
        from fleet.config import only_controller, open_data_folder, read_settings

        settings = read_settings()
        folder = open_data_folder(data or settings.data)
        with only_controller(folder):
            from fleet import logs
            from fleet.service import Plan

            logs.configure(as_json=json_log)
            plan = Plan(
                city=found,
                city_folder=city.absolute().parent,
                data=folder,
                host=host or found.api.host,
                port=found.api.port if port is None else port,
                settings=settings,
            )
            _serve(plan)


def _serve(plan: Plan) -> None:
    """Run until SIGINT, SIGTERM or SIGHUP; be gone within ``STOP_S`` of it, whatever hangs."""
    import asyncio
    import os
    import signal
    import threading

    import structlog

    from fleet.service import serve as run

    log = structlog.get_logger("controller")

    def give_up() -> None:
        log.error("did not end by itself; left", after_s=STOP_S)
        sys.stderr.flush()
        os._exit(NOT_THERE)

    def say(line: str) -> None:
        try:
            print(line, flush=True)
        except OSError as error:  # whoever started it no longer reads
            log.warning("standard output is closed", error=str(error))

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()

        def on_signal() -> None:
            if not stop.is_set():
                stop.set()
                last_resort = threading.Timer(STOP_S, give_up)
                last_resort.daemon = True
                last_resort.start()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, on_signal)
        await run(plan, stop, say)

    asyncio.run(main())


@tokens_app.command("new")
def tokens_new(
    name: Annotated[str, typer.Option("--name", help="Whom it is for.")],
    role: Annotated[str, typer.Option("--role", help="viewer, officer, pilot, admin or worker.")],
    data: DataOption = None,
) -> None:
    """Make a token and print it, this once."""
    from fleet.api.auth import Role

    if role not in list(Role):
        _fail(f"no role {role!r}; roles are {', '.join(Role)}", "", WRONG)
    if not 1 <= len(name) <= 100 or not name.isprintable():
        _fail(f"--name {name!r}: 1 to {100} printable characters", "", WRONG)

    async def make(store: Store) -> str:
        from fleet.link.clock import SystemClock
        from fleet.store import audit, tokens

        now = SystemClock().now()
        async with store.write() as tx:
            record, token = await tokens.create(tx.session, name, role, now)
            entry = audit.AuditEntry(now, "command line", "token.create", f"token:{record.id}")
            await audit.add(tx.session, entry)
        return token

    typer.echo(_with_store(data, make))


@tokens_app.command("list")
def tokens_list(data: DataOption = None) -> None:
    """List all tokens, without their secrets."""
    from fleet.store import tokens

    async def every(store: Store) -> list[tokens.TokenRecord]:
        async with store.read() as session:
            return await tokens.every(session)

    for record in _with_store(data, every):
        made = f"{record.created_at:%Y-%m-%d %H:%M}Z"
        ended = f"  revoked {record.revoked_at:%Y-%m-%d %H:%M}Z" if record.revoked_at else ""
        typer.echo(f"{record.id}  {record.role:<8}  {made}  {record.name}{ended}")


@tokens_app.command("revoke")
def tokens_revoke(
    token_id: Annotated[UUID, typer.Argument(help="The id that `tokens list` shows.")],
    data: DataOption = None,
) -> None:
    """Put a token out of force at once."""

    async def revoke(store: Store) -> bool:
        from fleet.link.clock import SystemClock
        from fleet.store import audit, tokens

        now = SystemClock().now()
        async with store.write() as tx:
            if not await tokens.revoke(tx.session, token_id, now):
                return False
            entry = audit.AuditEntry(now, "command line", "token.revoke", f"token:{token_id}")
            await audit.add(tx.session, entry)
        return True

    if not _with_store(data, revoke):
        _fail(f"no token {token_id}", "`skybeat tokens list` shows them", WRONG)
    typer.echo(f"revoked {token_id}")


@store_app.command("migrate")
def store_migrate(data: DataOption = None) -> None:
    """Bring the database up to date; `serve` does it by itself."""

    async def migrate(store: Store) -> tuple[str | None, str | None]:
        return await store.migrate()

    before, after = _with_store(data, migrate, migrate_first=False)
    typer.echo(f"database at {after} (was {before or 'empty'})")


def _city(path: Path, docks: str) -> City:
    """Return a sound city, or end the process with what is wrong in it."""
    from fleet.config import read_city, select_docks
    from fleet.errors import SettingsError
    from fleet.stations import check_stations
    from missions.errors import CityFileError

    try:
        city = select_docks(read_city(path), docks)
        check_stations(city, path.absolute().parent)
    except CityFileError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG) from None
    except SettingsError as error:
        _fail(str(error), error.hint, WRONG)
    return city


def _with_store(
    data: Path | None, work: Callable[[Store], Awaitable[T]], *, migrate_first: bool = True
) -> T:
    """Do something with the store of a data folder; a controller may run on it meanwhile."""
    import asyncio

    with _clear_errors():
        from fleet.config import open_data_folder, read_settings, require_database
        from fleet.store.store import Store

        settings = read_settings()
        place = data or settings.data
        if migrate_first and settings.database_url is None:
            require_database(place)
        folder = open_data_folder(place)

        async def run() -> T:
            store = Store(folder, settings.database_url)
            try:
                if migrate_first:
                    await store.migrate()
                return await work(store)
            finally:
                await store.close()

        return asyncio.run(run())


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Turn an expected error into one line and a hint; another keeps its traceback."""
    from fleet.errors import FleetError

    try:
        yield
    except FleetError as error:
        _fail(str(error), error.hint, NOT_THERE)
    except BaseExceptionGroup as group:
        expected = group.subgroup(FleetError)
        if expected is None:
            raise
        first = _first(expected)
        _fail(str(first), getattr(first, "hint", ""), NOT_THERE)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _fail(message: str, hint: str, code: int) -> NoReturn:
    typer.echo(f"skybeat: {message}", err=True)
    if hint:
        typer.echo(f"hint: {hint}", err=True)
    raise typer.Exit(code)
