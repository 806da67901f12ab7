"""Builds the packet core from Cython; all else about the project stands in pyproject.toml.

With LIBCRYPTO=static it brings libcrypto along, as a wheel for other machines should.
"""

import os

from Cython.Build import cythonize
from setuptools import Extension, setup

STATIC = ["-Wl,-Bstatic", "-lcrypto", "-Wl,-Bdynamic", "-Wl,--exclude-libs,ALL"]
alone = os.environ.get("LIBCRYPTO") == "static"

setup(
    ext_modules=cythonize(
        [
            Extension(
                "media.forwarder.native.core",
                ["media/forwarder/native/core.pyx"],
                libraries=[] if alone else ["crypto"],
                extra_link_args=STATIC if alone else [],
                extra_compile_args=["-O3"],
            )
        ],
        # They hold for the functions in .pxd files, too: bounds are checked where bytes come in.
        compiler_directives={
            "language_level": "3",
            "boundscheck": False,
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": False,
        },
    )
)
