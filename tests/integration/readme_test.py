"""What README and schemas/README.md show does what they say."""

import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

from agent_program import check_agent
from events import register, told
from monitor import Monitor
from program import LIMIT

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = ROOT / "tools" / "examples"


def blocks(path, language):
    text = (ROOT / path).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


class Programs(unittest.TestCase):
    def test_readme_shows_the_examples_as_they_are(self):
        for language, name in (("cpp", "agent.cpp"), ("cmake", "CMakeLists.txt"),
                               ("python", "agent.py"), ("js", "agent.mjs")):
            with self.subTest(name):
                example = (EXAMPLES / name).read_text(encoding="utf-8")
                self.assertEqual(blocks("README.md", language), [example])

    def test_the_agent_in_python(self):
        check_agent(self, [sys.executable, EXAMPLES / "agent.py"], "pm")

    def test_the_agent_in_node(self):
        self.assertTrue((EXAMPLES / "node_modules").is_dir(), f"run: npm ci --prefix {EXAMPLES}")
        check_agent(self, ["node", EXAMPLES / "agent.mjs"], "reviewer")

    def test_the_programs_of_the_protocol(self):
        agent, status, consumer = blocks("schemas/README.md", "python")
        with Monitor() as monitor, tempfile.TemporaryDirectory(prefix="hb-") as folder:
            def save(name, program, **endpoints):
                for default, endpoint in endpoints.items():
                    address = "tcp://127.0.0.1:" + default.removeprefix("port")
                    self.assertIn(address, program)
                    program = program.replace(address, endpoint)
                pathlib.Path(folder, name).write_text(program, encoding="utf-8")
            save("agent.py", agent, port5570=monitor.events)
            save("status.py", status, port5572=monitor.status)
            save("consumer.py", consumer, port5571=monitor.alerts)

            def run(name):
                return subprocess.run([sys.executable, name], cwd=folder, timeout=LIMIT,
                                      check=True, capture_output=True, text=True).stdout

            run("agent.py")
            self.assertEqual(run("agent.py"), "")  # another incarnation of the same agent
            deadline = time.monotonic() + LIMIT
            while (counters := monitor.counters())["events_folded_total"] < 14:
                self.assertLess(time.monotonic(), deadline, counters)
            ended = monitor.request({"cmd": "agent", "agent_id": "dev-1"})["error"]
            self.assertEqual((ended["ended_by"], ended["outcome"]), ("unregister", "done"))

            publisher = monitor.publisher()
            told(monitor, publisher, register("early", timeout_after_ms=1))
            told(monitor, publisher, register("quiet"), register("hung", stale_after_ms=1))
            with subprocess.Popen([sys.executable, "consumer.py"], cwd=folder, text=True,
                                  stdout=subprocess.PIPE) as following:
                try:
                    lines = [following.stdout.readline() for _ in range(2)]
                    told(monitor, publisher, register("late", timeout_after_ms=1))
                    lines.append(following.stdout.readline())
                finally:
                    following.kill()
            self.assertEqual([line.split(":")[0] for line in lines],
                             ["error Timeout", "warning Stale agent detected", "error Timeout"])
            self.assertEqual(run("status.py").splitlines()[0],
                             "{'running': 2, 'idle': 0, 'stale': 1}")
            self.assertRegex(run("status.py").splitlines()[1], r"^hung \d+$")


if __name__ == "__main__":
    unittest.main()
