"""What `cmake --install` leaves behind is enough to build an agent elsewhere, and no more.

The archive is the build's own; for the shared library one target is built a second time.
"""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from agent_program import check_agent
from program import BIN_DIR, clean_environment

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = ROOT / "tools" / "examples"
BUILD = pathlib.Path(BIN_DIR).parent
LIMIT = 500  # seconds, for a compiler on a busy machine
VERSION = tuple(int(number) for number in re.search(
    r"project\(heartbeat VERSION (\d+)\.(\d+)\.(\d+)",
    (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")).groups())
PUBLIC = sorted((ROOT / "include" / "heartbeat").glob("*.hpp"))


def run(*words, **environment):
    ended = subprocess.run(words, env=clean_environment(**environment), capture_output=True,
                           text=True, timeout=LIMIT, check=False)
    if ended.returncode != 0:
        said = f"{ended.stdout}{ended.stderr}"
        raise AssertionError(f"{words} ended with {ended.returncode}:\n{said}")
    return ended.stdout


def declared_functions():
    """Qualified name of each function that the headers declare and do not define, once for each
    overload, whether or not its export was thought of."""
    names = []
    for header in PUBLIC:
        text = re.sub(r"//[^\n]*", "", header.read_text(encoding="utf-8"))
        for name, body in re.findall(r"^class (?:\w+ )?(\w+) \{\n(.*?)^\};", text, re.S | re.M):
            own = re.sub(r"^  (?:class|struct) \w+ \{\n.*?^  \};", "", body, flags=re.S | re.M)
            public = own.split("\n private:")[0]
            public = re.sub(r" = delete;|\) (?:const )?\{[^\n]*\}", "", public)
            names += [f"heartbeat::{name}::{function}" for function in
                      re.findall(r"(~?\w+)\([^()]*(?:\([^()]*\)[^()]*)*\)[^(){}]*;", public)]
        for space, body in re.findall(r"^namespace (\w+) \{\n(.*?)^\}", text, re.S | re.M):
            if space != "heartbeat":
                names += [f"heartbeat::{space}::{function}" for function in
                          re.findall(r"^\w[^;(=]* (\w+)\(", body, re.M)]
    return sorted(names)


class Installed(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hb-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def install(self, build, *options):
        """The prefix, moved after the installation: nothing may depend on where it was."""
        run("cmake", "--install", str(build), "--prefix", str(self.folder / "at-first"), *options)
        return (self.folder / "at-first").rename(self.folder / "prefix")

    def library_folder(self, prefix):
        [config] = prefix.glob("lib*/**/heartbeat-config.cmake")
        return config.parents[2]

    def by_find_package(self, prefix):
        out = tempfile.mkdtemp(dir=self.folder)
        run("cmake", "-S", str(EXAMPLES), "-B", out, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}")
        run("cmake", "--build", out)
        return os.path.join(out, "agent")

    def by_pkg_config(self, prefix, *options):
        flags = run("pkg-config", *options, "--cflags", "--libs", "heartbeat-client",
                    PKG_CONFIG_PATH=str(self.library_folder(prefix) / "pkgconfig")).split()
        agent = os.path.join(tempfile.mkdtemp(dir=self.folder), "agent")
        run("c++", "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
            str(EXAMPLES / "agent.cpp"), "-o", agent, *flags)
        return agent

    def check(self, agent, library_path=None):
        # Through env(1), because check_agent has the environment.
        words = ["env", f"LD_LIBRARY_PATH={library_path}", agent] if library_path else [agent]
        check_agent(self, words, "builder")

    def test_static(self):
        prefix = self.install(BUILD)
        self.check(self.by_find_package(prefix))
        self.check(self.by_pkg_config(prefix, "--static"))
        self.assertNotIn("heartbeat", run("readelf", "-d", self.by_pkg_config(prefix)))

    def test_shared(self):
        build = self.folder / "build"
        run("cmake", "-S", str(ROOT), "-B", str(build), "-G", "Ninja", "-DBUILD_SHARED_LIBS=ON",
            "-DHEARTBEAT_TESTS=OFF", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS_RELEASE=-O0")
        run("cmake", "--build", str(build), "--target", "heartbeat_library")
        prefix = self.install(build, "--component", "client")
        folder = self.library_folder(prefix)
        self.check(self.by_find_package(prefix))
        agent = self.by_pkg_config(prefix)
        self.check(agent, folder)
        # Its name says with which versions it can be exchanged; libzmq is not the agent's business.
        self.assertEqual(re.findall(r"\[lib(heartbeat.*|zmq.*)\]", run("readelf", "-d", agent)),
                         [f"heartbeat-client.so.{VERSION[0]}.{VERSION[1]}"])
        listing = run("nm", "-D", "--defined-only", "-C", str(folder / "libheartbeat-client.so"))
        # A constructor is there twice, for whole objects and for bases, under one name.
        symbols = {line.split(maxsplit=2)[2] for line in listing.splitlines()}
        exported = sorted(re.sub(r"(\(.*| const)$", "", symbol) for symbol in symbols)
        self.assertEqual(exported, declared_functions())

    def test_everything_is_installed(self):
        prefix = self.install(BUILD)
        installed = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file()}
        library = str(self.library_folder(prefix).relative_to(prefix))
        for name in ["bin/hbmond", "bin/hbctl", f"{library}/libheartbeat-client.a",
                     f"{library}/pkgconfig/heartbeat-client.pc",
                     "share/bash-completion/completions/hbctl", "share/zsh/site-functions/_hbctl",
                     "share/man/man1/hbmond.1", "share/man/man1/hbctl.1",
                     "share/doc/heartbeat/LICENSE", "share/heartbeat/schemas/README.md",
                     "share/heartbeat/schemas/asyncapi.yaml",
                     "share/heartbeat/schemas/openapi.yaml",
                     "share/heartbeat/schemas/event.schema.json",
                     "share/heartbeat/schemas/golden/beat.msgpack",
                     *(f"include/heartbeat/{path.name}" for path in PUBLIC)]:
            self.assertIn(name, installed)
        strange = [name for name in installed
                   if re.search(r"\.py|node_modules|include/(?!heartbeat/)", name)]
        self.assertEqual(strange, [])
        for program in ("hbmond", "hbctl"):
            self.assertRegex(run(str(prefix / "bin" / program), "--version"), r"\d+\.\d+\.\d+")
        for path in installed:
            self.assertNotIn(str(self.folder).encode(), (prefix / path).read_bytes(), path)

    def test_headers_stand_alone_and_need_no_other_library(self):
        prefix = self.install(BUILD, "--component", "client")
        included = self.folder / "included"
        for path in PUBLIC:
            run("c++", "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
                "-MD", "-MF", str(included), f"-I{prefix}/include",
                "-include", f"heartbeat/{path.name}", "-x", "c++", "/dev/null")
            text = included.read_text(encoding="utf-8")
            self.assertIn(f"include/heartbeat/{path.name}", text)
            self.assertNotRegex(text, "zmq|msgpack")

    def test_only_a_version_that_fits_is_found(self):
        prefix = self.install(BUILD, "--component", "client")
        wanted = re.search(r"find_package\(heartbeat ([\d.]+)",
                           (EXAMPLES / "CMakeLists.txt").read_text(encoding="utf-8"))[1]
        major, minor, patch = VERSION
        for version, fits in ((wanted, True), (f"{major}.{minor}.{patch}", True),
                              (f"{major}.{minor}.{patch + 1}", False),
                              (f"{major}.{minor + 1}", False), (f"{major}.{minor - 1}", False),
                              (f"{major + 1}.{minor}", False)):
            project = "cmake_minimum_required(VERSION 3.20)\nproject(asks LANGUAGES CXX)\n" \
                f"find_package(heartbeat {version} QUIET)\n" \
                'message(STATUS "found ${heartbeat_FOUND}")\n'
            (self.folder / "CMakeLists.txt").write_text(project, encoding="utf-8")
            told = run("cmake", "-S", str(self.folder), "-B", tempfile.mkdtemp(dir=self.folder),
                       f"-DCMAKE_PREFIX_PATH={prefix}")
            self.assertIn("found 1" if fits else "found 0", told, version)


if __name__ == "__main__":
    unittest.main()
