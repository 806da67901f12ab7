"""All commands of `three-classrooms` and their options."""

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from service.command_line.terminal import configure_logging, plain_errors, say
from service.configuration import Configuration, load_configuration

program = typer.Typer(
    name="three-classrooms",
    help="Schedules, carries, records and proves paired lessons for county schools (三个课堂).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

DataFolder = Annotated[Path | None, typer.Option(help="Where everything is kept.")]
DEFAULT_WORKERS = min(2, os.cpu_count() or 1)


def main() -> None:
    """The console script."""
    program()


@program.command("version")
def print_version() -> None:
    """Print the version."""
    typer.echo(version("three-classrooms"))


@program.command()
def serve(
    demo: Annotated[bool, typer.Option("--demo/--no-demo", help="With a demonstration county and a live lesson.")] = (
        False
    ),
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="TCP port; 0 takes a free one.")] = None,
    udp_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="UDP port for media; 0 takes a free one.")
    ] = None,
    data_folder: DataFolder = None,
) -> None:
    """Run the whole product in this process until Ctrl-C; with REDIS_URL one replica of the service."""
    from service.command_line.serving import DEMONSTRATION_FOLDER, run_server

    with plain_errors():
        configuration = load_configuration(host=host, port=port, udp_port=udp_port, data_folder=data_folder)
        if demo and "data_folder" not in configuration.model_fields_set:
            configuration = configuration.model_copy(update={"data_folder": DEMONSTRATION_FOLDER})
        configure_logging(configuration.log_level, configuration.log_format)
        run_server(configuration, demo=demo)


@program.command()
def relay(
    relay_id: Annotated[str | None, typer.Option("--id", help="Its name; two relays must not share one.")] = None,
    udp_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="UDP port for media; 0 takes a free one.")
    ] = None,
    cpu: Annotated[int | None, typer.Option(min=0, help="Keep to this core; one relay for each.")] = None,
    data_folder: DataFolder = None,
) -> None:
    """Run one relay of a fleet (with REDIS_URL) until Ctrl-C, then drain it."""
    from service.command_line.relaying import run_relay

    with plain_errors():
        configuration = load_configuration(relay_id=relay_id, udp_port=udp_port, data_folder=data_folder)
        configure_logging(configuration.log_level, configuration.log_format)
        run_relay(configuration, cpu)


@program.command()
def worker(data_folder: DataFolder = None) -> None:
    """Make recordings and plans for a deployment of several processes (with REDIS_URL) until Ctrl-C."""
    from service.command_line.working import run_worker

    with plain_errors():
        configuration = load_configuration(data_folder=data_folder)
        configure_logging(configuration.log_level, configuration.log_format)
        run_worker(configuration)


@program.command()
def check(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    data_folder: DataFolder = None,
) -> None:
    """Tell what this machine lacks to serve with these settings: ports, disk, clock, stores, certificate, TURN."""
    from service.command_line.checking import check_machine

    with plain_errors():
        if not check_machine(load_configuration(data_folder=data_folder), as_json=as_json):
            raise typer.Exit(1)


@program.command()
def backup(
    target: Annotated[Path, typer.Argument(help="A new folder.")],
    since: Annotated[Path | None, typer.Option(help="An earlier backup on the same disk, to link what is in it.")] = (
        None
    ),
    data_folder: DataFolder = None,
) -> None:
    """Back up database, recordings and journals of a deployment, running or not, into a new folder."""
    from service.command_line.backups import back_up

    with plain_errors():
        back_up(load_configuration(data_folder=data_folder), target, since)


@program.command()
def restore(
    source: Annotated[Path, typer.Argument(help="A backup.")],
    data_folder: DataFolder = None,
) -> None:
    """Restore a backup into an empty data folder and an empty database."""
    from service.command_line.backups import restore as restore_from

    with plain_errors():
        restore_from(load_configuration(data_folder=data_folder), source)


@program.command("openapi")
def print_openapi() -> None:
    """Print the OpenAPI document of the HTTP API as JSON."""
    from service.application import create_application
    from service.bootstrap import make_parts

    # Nothing is opened: the database connects when it is first asked.
    document = create_application(make_parts(Configuration())).openapi()
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


@program.command("create-administrator")
def create_administrator(
    username: Annotated[str, typer.Option(prompt=True)],
    display_name: Annotated[str, typer.Option(prompt=True)],
    organisation: Annotated[
        str | None, typer.Option(help="Name of the topmost organisation, for the first administrator only.")
    ] = None,
    password_stdin: Annotated[bool, typer.Option(help="Read the password from standard input.")] = False,
    data_folder: DataFolder = None,
) -> None:
    """Create a system administrator: the first one, or another when nobody can sign in any more."""
    from service.command_line.administrators import add_system_administrator

    with plain_errors():
        configuration = load_configuration(data_folder=data_folder)
        configure_logging(configuration.log_level, configuration.log_format)
        if password_stdin:
            password = sys.stdin.readline().rstrip("\n")
        else:
            password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        add_system_administrator(configuration, username, password, display_name, organisation)
    say(f"{username} can sign in now.")


@program.command()
def room(
    url: Annotated[str, typer.Option(help="Address of the service.")] = "http://127.0.0.1:8000",
    token_file: Annotated[
        Path | None,
        typer.Option(help="Where the device token is kept; the room shows a pairing code when it has none."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Burnt into the picture; the room's name if not given.")] = None,
) -> None:
    """Be a classroom without people: pair, wait for lessons, and take part with a test picture and sound."""
    from service.command_line.rooms import attend_lessons

    with plain_errors():
        configure_logging(load_configuration().log_level)
        attend_lessons(url, token_file, name)


@program.command()
def instance(
    size: Annotated[str, typer.Option(help="1/20, 1/4 or full: the part of a prefecture.")] = "1/20",
    seed: Annotated[int, typer.Option(help="The same seed draws the same instance.")] = 1,
    out: Annotated[Path | None, typer.Option(help="File to write; standard output if not given.")] = None,
) -> None:
    """Draw a planning instance under the published assumptions."""
    from service.command_line.planning import make_instance

    make_instance(size, seed, out)


@program.command()
def plan(
    instance: Annotated[Path, typer.Option(help="The instance, a JSON file.")],
    budget: Annotated[float, typer.Option(min=1.0, max=86_400.0, help="Seconds the plan may take.")] = 60.0,
    seed: Annotated[int, typer.Option(help="Seed of the search.")] = 1,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that search.")] = DEFAULT_WORKERS,
    out: Annotated[Path | None, typer.Option(help="File to write; standard output if not given.")] = None,
) -> None:
    """Pair demands with lead lessons: a plan with its proven bound and the reasons for what stays unserved."""
    from service.command_line.planning import make_plan

    make_plan(instance, budget, seed, workers, out)


@program.command("plan-check")
def plan_check(
    instance: Annotated[Path, typer.Option(help="The instance, a JSON file.")],
    plan: Annotated[Path, typer.Option(help="The plan, a JSON file.")],
) -> None:
    """Check a plan independently: every rule, its score, its bound's certificate. Exit code 1 if anything is wrong."""
    from service.command_line.planning import judge_plan

    if not judge_plan(instance, plan):
        raise typer.Exit(1)


@program.command("demonstration-rooms", hidden=True)
def demonstration_rooms() -> None:
    """Several rooms in one process, as described on standard input; until that ends. Started by `serve --demo`."""
    from service.command_line.rooms import attend_as_described

    configure_logging("warning")
    attend_as_described(sys.stdin)
