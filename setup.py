"""Builds the packet core from Cython; all else about the project stands in pyproject.toml."""

from Cython.Build import cythonize
from setuptools import Extension, setup

MODULES = ("core", "socket_core")

setup(
    ext_modules=cythonize(
        [
            Extension(
                f"media.forwarder.native.{name}",
                [f"media/forwarder/native/{name}.pyx"],
                libraries=["crypto"],
                extra_compile_args=["-O3"],
            )
            for name in MODULES
        ],
        compiler_directives={"language_level": "3"},
    )
)
