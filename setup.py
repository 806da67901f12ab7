"""Builds the packet core and the journals' native parts from Cython; all else stands in pyproject.toml.

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
            ),
            Extension(
                "media.recorder.native.records",
                ["media/recorder/native/records.pyx"],
                extra_compile_args=["-O3"],
            ),
            Extension(
                "media.recorder.native.reading",
                ["media/recorder/native/reading.pyx"],
                extra_compile_args=["-O3"],
            ),
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
