"""The hub as the benchmark runs it: every feature on, no work left out."""

import os
from typing import Any

from hub.app import create_app
from hub.clock import Clock
from hub.settings import Settings


def app() -> Any:
    return create_app(Settings.from_env(os.environ), Clock())
