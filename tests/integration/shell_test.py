"""What hbctl and hbmond give to shells and readers: completion and man pages."""

import os
import pathlib
import re
import subprocess
import unittest

from hbctl_test import command
from monitor import HBMOND
from program import BIN_DIR, LIMIT, clean_environment

PATH = {"PATH": f"{BIN_DIR}:{os.environ['PATH']}"}
MANUAL = pathlib.Path(BIN_DIR).parent / "man"
HBGATE = os.path.join(BIN_DIR, "hbgate")


def run(*words):
    return subprocess.run(words, env=clean_environment(**PATH), capture_output=True, text=True,
                          timeout=LIMIT, check=True).stdout



class Shell(unittest.TestCase):
    def completed(self, *words):
        script = f'eval "$(hbctl completion bash)"; COMP_WORDS=({" ".join(words)}); ' \
                 f'COMP_CWORD={len(words) - 1}; _hbctl; printf "%s\\n" "${{COMPREPLY[@]}}"'
        return run("bash", "-c", script).split()

    def test_bash_completes_verbs_options_and_kinds(self):
        self.assertEqual(self.completed("hbctl", "stat"), ["status"])
        self.assertEqual(self.completed("hbctl", "--ev"), ["--events"])
        self.assertEqual(self.completed("hbctl", "agents", "--st"), ["--state", "--status"])
        self.assertEqual(self.completed("hbctl", "emit", "unr"), ["unregister"])
        self.assertIn("ls", self.completed("hbctl", "run", "--agent", "a", "--", "l"))

    def test_zsh_knows_the_command(self):
        script = 'autoload -U compinit; compinit -D -u; eval "$(hbctl completion zsh)"; ' \
                 'print $_comps[hbctl]'
        self.assertEqual(run("zsh", "-f", "-c", script), "_hbctl\n")
        # The file is one that zsh can read to its end.
        subprocess.run(["zsh", "-n"], input=run("hbctl", "completion", "zsh"), text=True,
                       timeout=LIMIT, check=True)

    def test_each_verb_has_a_man_page_with_all_its_options(self):
        verbs = re.search(r"^Subcommands:\n((?:  .*\n)+)", run(*command("--help")), re.M)[1]
        pages = {"hbmond": [HBMOND], "hbgate": [HBGATE], "hbctl": command()}
        for verb in re.findall(r"^  ([a-z]+)", verbs, re.M):
            pages[f"hbctl-{verb}"] = command(verb)
        self.assertGreater(len(pages), 8)
        self.assertEqual({page.stem for page in MANUAL.glob("*.1")}, set(pages))
        for name, words in pages.items():
            with self.subTest(name):
                page = (MANUAL / f"{name}.1").read_text(encoding="utf-8").replace("\\-", "-")
                version = run(*command("--version")).split()[1]
                self.assertRegex(page, rf'\n\.TH {name.upper()} "1" "\w+ \d+" '
                                       rf'"Heartbeat {re.escape(version)}" "Heartbeat"\n'
                                       rf"\.SH NAME\n{name} - [a-z]")
                for other in set(pages) - {name} if name == "hbctl" else {"hbctl"} - {name}:
                    self.assertIn(f"{other}(1)", page.partition('.SH "SEE ALSO"')[2])
                options = re.findall(r"^  (?:-\w,)?(--[\w-]+)", run(*words, "--help"), re.M)
                self.assertTrue(options)
                for option in options:
                    self.assertIn(option, page)


if __name__ == "__main__":
    unittest.main()
