"""`web/build.py` as a module, and where it puts things."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
WIDGET = ROOT / "channels" / "web" / "static"
CONSOLE = ROOT / "channels" / "console" / "static"


def builder(web: Path = ROOT / "web") -> ModuleType:
    spec = importlib.util.spec_from_file_location("web_build", web / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # Where its dataclasses look for their names.
    spec.loader.exec_module(module)
    return module
