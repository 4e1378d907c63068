"""Completion of hbctl's command line, as the Tab key of an interactive shell does it."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from watch_test import Terminal
from program import BIN_DIR, LIMIT


def script_for(shell):
    return subprocess.run([os.path.join(BIN_DIR, "hbctl"), "completion", shell],
                          capture_output=True, timeout=LIMIT, check=True).stdout


class Completion(unittest.TestCase):
    """A shell in a folder of its own, where the file `only.file` is, and the command `onlycommand`."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hb-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "only.file").touch()
        (self.folder / "functions").mkdir()
        (self.folder / "functions" / "_hbctl").write_bytes(script_for("zsh"))
        (self.folder / "bin").mkdir()
        command = self.folder / "bin" / "onlycommand"
        command.write_text("#!/bin/sh\n", encoding="utf-8")
        command.chmod(0o755)

    def shell(self, program, *lines):
        path = f"{BIN_DIR}:{self.folder}/bin:{os.environ['PATH']}"
        terminal = Terminal({}, program=program, PATH=path, PS1="$ ", HISTFILE="", columns=150)
        self.addCleanup(terminal.__exit__)
        for line in (f"cd {self.folder}", *lines, "clear; echo REA''DY"):
            terminal.press(line + "\r")
        terminal.see(lambda shown: "READY" in shown)
        return terminal

    def zsh(self, *how):
        return self.shell(["zsh", "-f", "-i"], "PS1='$ '", "unsetopt zle_bracketed_paste", *how)

    def bash(self):
        return self.shell(["bash", "--norc", "-i"], "PS1='$ '", 'eval "$(hbctl completion bash)"')

    def completes(self, terminal, typed, shown):
        """One Tab behind `typed` shows this."""
        terminal.press(typed + "\t")
        with self.subTest(typed=typed):
            terminal.see(lambda lines: any(shown in line for line in lines))
        terminal.press("\x15\x0c")  # away with the line, and with all lines
        terminal.see(lambda lines: not any(typed in line for line in lines))

    def everything(self, terminal):
        for typed, shown in (
                ("hbctl hist", "hbctl history"),
                ("hbctl agents --lim", "hbctl agents --limit"),
                ("hbctl agents --state st", "hbctl agents --state stale"),
                ("hbctl emit unr", "hbctl emit unregister"),
                ("hbctl history --state onl", "hbctl history --state only.file"),
                ("hbctl completion zs", "hbctl completion zsh"),
                ("hbctl run --agent a -- onlyc", "hbctl run --agent a -- onlycommand"),
                ("hbctl run --agent a -- cat onl", "hbctl run --agent a -- cat only.file"),
                ("hbctl run --agent a -- hbctl emit idl", "-- hbctl emit idle"),
                ("hbctl --json history --state onl", "--state only.file")):
            self.completes(terminal, typed, shown)

    def test_zsh_completes_on_the_first_tab_when_it_was_evaluated(self):
        terminal = self.zsh("autoload -U compinit; compinit -D -u",
                            'eval "$(hbctl completion zsh)"')
        self.everything(terminal)

    def test_zsh_completes_on_the_first_tab_when_it_is_autoloaded(self):
        terminal = self.zsh(f"fpath=({self.folder}/functions $fpath)",
                            "autoload -U compinit; compinit -D -u")
        self.everything(terminal)

    def test_bash_completes_on_the_first_tab(self):
        self.everything(self.bash())

    def test_bash_completes_the_arguments_of_a_command_as_that_one_does(self):
        terminal = self.bash()
        terminal.press("_only() { COMPREPLY=(onlyword); }; complete -F _only onlycommand; clear\r")
        self.completes(terminal, "hbctl run --agent a -- onlycommand only", "onlycommand onlyword")


if __name__ == "__main__":
    unittest.main()
