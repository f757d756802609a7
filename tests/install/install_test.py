#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""An installation below a folder of its own: `install_test.py CMAKE BUILD_FOLDER COMPILER SUITE`."""

import gzip
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

CMAKE, BUILD, COMPILER = sys.argv.pop(1), sys.argv.pop(1), sys.argv.pop(1)
HERE = pathlib.Path(__file__).resolve().parent
SHORT = ["--before", "20us", "--after", "20us", "--blackout", "100us"]


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.prefix = pathlib.Path(cls.folder.name).resolve() / "usr"
        done = subprocess.run([CMAKE, "--install", BUILD, "--prefix", cls.prefix], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        # What is installed finds its parts wherever it is moved to.
        moved = cls.prefix.parent / "elsewhere"
        cls.prefix.rename(moved)
        cls.prefix = moved
        cls.program = cls.prefix / "bin/holdover"

    def holdover(self, *arguments, **options):
        return subprocess.run([self.program, *arguments], capture_output=True, text=True, check=False,
                              cwd=self.prefix.parent, **options)


class Program(Installed):
    def test_it_runs_and_finds_its_kernel_image(self):
        done = self.holdover("run", "--isolation", "process", *SHORT)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("PASS", done.stdout)

    def test_it_runs_by_its_name_and_by_a_link(self):
        link = self.prefix.parent / "link"
        link.symlink_to(self.program)
        for command in (["holdover"], [str(link)]):
            environment = dict(os.environ, PATH=f"{self.prefix / 'bin'}:{os.environ['PATH']}")
            done = subprocess.run([*command, "run", *SHORT], capture_output=True, text=True, check=False, env=environment,
                                  cwd="/")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_without_its_kernel_image_it_says_what_is_missing(self):
        image = self.prefix / "lib/holdover/holdover-kernel-image"
        image.rename(image.with_suffix(".away"))
        self.addCleanup(lambda: image.with_suffix(".away").rename(image))
        done = self.holdover("run", *SHORT)
        self.assertEqual(done.returncode, 2)
        self.assertIn("holdover-kernel-image", done.stderr)

    def test_models_are_found_beside_it(self):
        model = self.prefix / "lib/holdover/holdover-endpoint-64x1.so"
        if not model.exists():
            model.write_bytes(b"no model")
            self.addCleanup(model.unlink)
        done = self.holdover("run", "--width", "64", "--channels", "1", *SHORT)
        self.assertNotIn("is not built;", done.stderr)
        self.assertTrue(done.returncode == 0 or str(model) in done.stderr, done.stderr)

    def test_the_endpoint_and_its_documents_are_there(self):
        share = self.prefix / "share/holdover"
        listed = (share / "rtl/endpoint.f").read_text().split("\n")
        for line in listed:
            if line and not line.startswith("#"):
                self.assertTrue((share / line).exists(), line)
        for name in ("copyright", "install.md", "python.md", "architecture.md", "changelog.gz"):
            self.assertTrue((self.prefix / "share/doc/holdover" / name).exists(), name)

    def test_nothing_tells_of_the_place_where_it_was_built(self):
        for file in self.prefix.rglob("*"):
            if file.suffix in (".cmake", ".py", ".pyi", ".md", ".txt", ".h") or file.name in ("METADATA", "holdover.1"):
                self.assertNotIn(BUILD, file.read_text(encoding="utf-8"), file)


@unittest.skipUnless(shutil.which("bash"), "bash is not there")
class Completion(Installed):
    def complete(self, line):
        """What bash would offer at the end of the line."""
        functions = "/usr/share/bash-completion/bash_completion"
        if not os.path.exists(functions):
            self.skipTest("bash-completion is not installed")
        words = re.split(r"([=:])|\s", line)
        words = [word for word in words if word] + ([""] if line[-1] in " =:" else [])
        script = (f"source {functions}; source {self.prefix}/share/bash-completion/completions/holdover\n"
                  f"compopt() {{ :; }}; COMP_LINE='{line}'; COMP_POINT={len(line)}\n"
                  f"COMP_WORDS=({' '.join(repr(word) for word in words)}); COMP_CWORD={len(words) - 1}\n"
                  "_holdover; printf '%s\\n' \"${COMPREPLY[@]}\"")
        environment = dict(os.environ, PATH=f"{self.prefix / 'bin'}:{os.environ['PATH']}")
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, env=environment,
                              cwd=self.prefix)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_verbs_options_and_values(self):
        for line, expected in (
                ("holdover r", ["run", "regress"]), ("holdover run --topo", ["--topology"]),
                ("holdover run --topology ", ["direct", "switch", "wide"]), ("holdover run --topology=w", ["wide"]),
                ("holdover run --jump c", ["crash"]), ("holdover list pro", ["profiles"]),
                ("holdover run --policy delays=r", ["real"]), ("holdover run --isolation ", ["process", "in-process"]),
                ("holdover run --disturb late,reo", ["late,reorder"]), ("holdover run --json li", ["lib"]),
                ("holdover trace sh", ["share"]), ("holdover run --seed ", [])):
            self.assertEqual(self.complete(line), expected, line)

    def test_every_verb_and_every_option_is_offered(self):
        help_text = self.holdover("--help").stdout
        verbs = re.findall(r"^  ([a-z-]+) +[A-Z]", help_text.split("Subcommands:")[1], re.M)
        self.assertGreater(len(verbs), 7)
        self.assertEqual(self.complete("holdover "), verbs)
        for verb in verbs:
            options = re.findall(r"^  (?:-h,)?(--[a-z0-9-]+)", self.holdover(verb, "--help").stdout, re.M)
            self.assertEqual(sorted(self.complete(f"holdover {verb} --")), sorted(options), verb)

    def test_values_that_are_offered_are_taken(self):
        for option in ("isolation", "jump", "finish", "interrupts-at-freeze", "trace-detail", "from", "to", "chain", "aspm",
                       "max-payload", "topology", "profile", "scenario", "endpoint", "disturb", "policy", "fault"):
            offered = self.holdover("complete", "--", "run", f"--{option}", "").stdout.split()
            self.assertGreater(len(offered), 1, option)
            for value in offered[:6]:
                # The kernel image is looked for when everything else is found to be possible.
                done = self.holdover("run", f"--{option}", value, "--kernel-image", "/nowhere", "--isolation", "process")
                self.assertNotRegex(done.stderr, f"--{option}: .* is not possible|there is no", (option, value))


class Manual(Installed):
    def page(self):
        return gzip.decompress((self.prefix / "share/man/man1/holdover.1.gz").read_bytes()).decode()

    def test_it_is_what_the_program_says(self):
        self.assertEqual(self.page(), self.holdover("manual").stdout)

    def test_every_verb_and_every_option_is_in_it(self):
        page = self.page().replace("\\-", "-")
        verbs = self.holdover("complete", "--", "").stdout.split()
        for verb in verbs:
            section = page.split(f'.SS "holdover {verb}"')[1].split(".SS ")[0]
            for option in self.holdover("complete", "--", verb, "--").stdout.split():
                self.assertRegex(section, rf"(?m)^\.B (-h,)?{option}( |$)", (verb, option))
        self.assertIn(".SH \"EXIT STATUS\"", page)

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_it_is_set_without_a_warning(self):
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=self.page(), capture_output=True, text=True,
                              check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Python(Installed):
    def setUp(self):
        self.place = self.prefix / "lib/python3/dist-packages"
        if not self.place.exists():
            self.skipTest("the Python package is not built")
        self.environment = dict(os.environ, PYTHONPATH=str(self.place), PYTHONDONTWRITEBYTECODE="1")

    def python(self, *arguments):
        return subprocess.run(["/usr/bin/python3", *arguments], capture_output=True, text=True, check=False,
                              env=self.environment, cwd=self.folder.name)

    def test_it_runs_and_finds_its_kernel_image(self):
        done = self.python("-c", "import holdover\n"
                           "assert holdover.run(before='20us', after='20us', blackout='100us').verdict\n"
                           "print(holdover.__file__)")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.strip(), str(self.place / "holdover/__init__.py"))

    def test_pytest_finds_the_plugin(self):
        test = pathlib.Path(self.folder.name) / "test_it.py"
        test.write_text("def test_it(driver): assert driver.copy_to_card(driver.buffer(4096)) == 0\n")
        done = self.python("-m", "pytest", "-q", "-p", "no:cacheprovider", str(test))
        self.assertEqual(done.returncode, 0, done.stdout)


class Library(Installed):
    def test_a_program_outside_of_the_tree_is_built_and_runs(self):
        build = pathlib.Path(self.folder.name) / "build"
        for command in ([CMAKE, "-S", HERE / "program", "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}",
                         f"-DCMAKE_CXX_COMPILER={COMPILER}", f"-DHOLDOVER_HEADERS={self.prefix / 'include/holdover'}"],
                        [CMAKE, "--build", build], [build / "outside"]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout, "4 channels at 0000:01:00.0\n")


if __name__ == "__main__":
    unittest.main()
