"""What the README shows is what one gets."""

import re
from datetime import datetime
from pathlib import Path

import asyncpg
import orjson
from click.testing import CliRunner

from hub.cli import cli
from hub.clock import Clock
from hub.query.execute import Engine
from hub.schema import build, sdl
from hub.seed import demo_world

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The only block of code in a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return str(found)


async def test_the_query_has_the_answer_that_stands_below_it(connection: asyncpg.Connection) -> None:
    (begins,) = re.findall(r"--now (\S+)`", README)
    clock = Clock.beginning_at(datetime.fromisoformat(begins))
    await demo_world(connection, clock, scale=0)
    engine = Engine(build()[1], sdl())

    compiled, request = engine.prepare(engine.operation(block("graphql"), None), None, clock.today())

    # As it is sent: the engine leaves days and instants to the encoder.
    answer = orjson.loads(orjson.dumps({"data": await engine.run(compiled, request, connection)}))
    assert answer == orjson.loads(block("json"))


def test_every_command_named_is_there() -> None:
    for verb in re.findall(r"uv run hub (\w+)", README):
        assert CliRunner().invoke(cli, [verb, "--help"]).exit_code == 0, verb


def test_every_option_named_is_there() -> None:
    for verb, rest in re.findall(r"uv run hub (\w+) ([^`\n]*)", README):
        helped = CliRunner().invoke(cli, [verb, "--help"]).output
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in helped, (verb, option)
