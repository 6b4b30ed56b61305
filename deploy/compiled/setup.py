"""Make a wheel of the copy of the relay that this stands in (see `compiling.stage`), some of its modules compiled."""

from pathlib import Path

from mypyc.build import mypycify
from setuptools import find_packages, setup

lines = Path("modules.txt").read_text(encoding="utf-8").splitlines()
sources = [f"relay_server/{line}" for line in lines if line and not line.startswith("#")]
setup(
    packages=find_packages(),
    package_data={"": ["py.typed"]},
    ext_modules=mypycify(["--config-file", "mypy.ini", *sources], group_name="relay_server"),
)
