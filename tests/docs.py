"""Runs what the documents tell a reader to type, in order, in a temporary folder for each page.

Usage: docs.py SOURCE_DIR PROGRAM [PAGE...]. PROGRAM is netflowgen of any build; PYTHONPATH may name the Python package.

A fenced block is run by its language: `sh` (bash, -eu -o pipefail), `python` (one namespace a page), `yaml` with a comment before it
that names its file. A block of language `output` is what the block before it prints: each of its lines must be there, in order; `...`
in a line stands for any text, and a line of it alone for any lines. Before a block may stand

    <!-- file: NAME -->            the block is written to that file
    <!-- not run: REASON -->       it is shown only
    <!-- needs: training -->       the program has LibTorch; others are python, and programs of the PATH

Ports of 127.0.0.1 are replaced by free ones, the same in all of a page, so that a test beside this one cannot take them.

A block without a language, with another language, or indented code fails the test: whoever writes it says what it is.

Beside that, every command `netflowgen ...` in any other document must exist with the options that it is given there, and so must
every file that a link names.
"""
import contextlib
import io
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(sys.argv[1])
PROGRAM = pathlib.Path(sys.argv[2]).resolve()
PAGES = ["docs/index.md", *sorted(str(p.relative_to(SOURCE)) for f in ("tutorial", "how-to") for p in (SOURCE / "docs" / f).glob("*.md")),
         "docs/faq.md", "docs/sizing.md"]
# Guides whose commands are not run here, and what runs the same.
ELSEWHERE = {
    "README.md": "install lines and the tutorials' commands",
    "docs/clickhouse.md": "needs a server: tests/clickhouse.sh",
    "docs/cpp.md": "tests/library/library.sh",
    "docs/deployment.md": "needs a cluster: tests/deployment.sh",
    "docs/distributed.md": "needs several machines: tests/distributed.sh",
    "docs/frames.md": "needs a broker: tests/kafka_broker.sh",
    "docs/generate.md": "tests/generate.sh",
    "docs/kafka.md": "needs a broker: tests/kafka_broker.sh",
    "docs/operations.md": "needs weeks of traffic and root: the tutorials, tests/deb.sh",
    "docs/python.md": "python/tests/test_tutorial.py",
    "docs/results-pictures.md": "has no command; scripts/pictures --check",
    "docs/serve.md": "goes on for ever: tests/serve.sh",
    "docs/training.md": "needs weeks of traffic: docs/tutorial/researcher.md",
}
MOST_SECONDS = 900  # of one block; a slow machine is no failure
MARK = re.compile(r"<!--\s*(file|not run|needs):\s*(.*?)\s*-->")


class Block:
    def __init__(self, page, line, language, text, marks):
        self.where, self.language, self.text, self.marks = f"{page}, line {line}", language, text, marks

    def fail(self, why):
        raise SystemExit(f"FAILED: {self.where}: {why}\n{self.text}")


def blocks_of(page, text):
    """The fenced blocks of a page, with the comments right before each. SystemExit: code is not fenced, or a mark has no block."""
    found, marks, fence, body, start, in_list = [], {}, None, [], 0, False
    for number, line in enumerate(text.splitlines(), 1):
        fenced = re.match(r"(\s*)(`{3,})(.*)$", line)
        if fence is not None:
            if fenced and fenced[2] == fence[1] and not fenced[3].strip():
                text = "".join(part.removeprefix(fence[0]) + "\n" for part in body)
                found.append(Block(page, start, fence[2].strip(), text, marks))
                fence, marks, body = None, {}, []
            else:
                body.append(line)
        elif fenced:
            fence, start = fenced.groups(), number
        elif comment := MARK.fullmatch(line.strip()):
            marks[comment[1]] = comment[2]
        elif line.strip():
            if marks:
                raise SystemExit(f"FAILED: {page}, line {number}: a mark stands before no block")
            in_list = bool(re.match(r"\s*([-*]|\d+\.)\s", line)) or (in_list and line.startswith(" "))
            if line.startswith(("    ", "\t")) and not in_list:
                raise SystemExit(f"FAILED: {page}, line {number}: indented code; fence it and say what it is")
    if fence is not None or marks:
        raise SystemExit(f"FAILED: {page}: a block or a mark at the end is open")
    return found


def pattern_of(line):
    return ".*".join(re.escape(part) for part in re.split(r"\.\.\.", line.rstrip()))


def check_output(block, printed):
    """Every line of the block is in what was printed, in order."""
    have = [l.rstrip() for l in printed.splitlines()]
    at = 0
    for line in (l for l in block.text.splitlines() if l.strip() and l.strip() != "..."):
        pattern = re.compile(pattern_of(line))
        while at < len(have) and not pattern.fullmatch(have[at]):
            at += 1
        if at == len(have):
            block.fail(f"'{line}' was not printed. What was:\n{printed[-4000:]}\nThe page shows:")
        at += 1


def free_port():
    """A port that neither TCP nor UDP has now, outside of the range that the kernel gives to others."""
    while True:
        port = random.randrange(20_000, 30_000)
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as s:
                    s.bind(("127.0.0.1", port))
        except OSError:
            continue
        return port


def with_free_ports(text):
    ports = {}
    return re.sub(r"(?<=127\.0\.0\.1:)\d{4,5}", lambda hit: str(ports.setdefault(hit[0], free_port())), text)


class Page:
    def __init__(self, name, folder, has):
        self.folder, self.has, self.printed, self.names, self.ran = folder, has, "", {"__name__": "__page__"}, 0
        self.skipped = set()
        self.blocks = blocks_of(name, with_free_ports((SOURCE / name).read_text()))

    def missing(self, block):
        for need in (n.strip() for n in block.marks.get("needs", "").split(",") if n.strip()):
            if not self.has(need):
                return need
        return None

    def shell(self, block):
        environment = dict(os.environ, PATH=f"{self.folder}/.bin:{os.environ['PATH']}", COLUMNS="200", TMPDIR=str(self.folder / ".tmp"))
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as printed:  # a pipe would wait for what runs in the background
            child = subprocess.Popen(["bash", "-eu", "-o", "pipefail", "-c", block.text], cwd=self.folder, env=environment,
                                     stdout=printed, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)
            try:
                child.wait(timeout=MOST_SECONDS)
            except subprocess.TimeoutExpired:
                block.fail(f"it did not end in {MOST_SECONDS} s")
            finally:  # what a block leaves behind in the background ends with it
                try:
                    os.killpg(child.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            printed.seek(0)
            self.printed = printed.read()
        if child.returncode != 0:
            block.fail(f"exit code {child.returncode}:\n{self.printed[-4000:]}\nThe block:")

    def python(self, block):
        stream = io.StringIO()
        os.chdir(self.folder)
        try:
            with contextlib.redirect_stdout(stream):
                exec(compile(block.text, block.where, "exec"), self.names)
        except Exception as e:
            block.fail(f"{type(e).__name__}: {e}\nThe block:")
        finally:
            os.chdir("/")
        self.printed = stream.getvalue()

    def run(self):
        last_ran = False
        for block in self.blocks:
            if block.language == "output":
                if "not run" not in block.marks and last_ran:
                    check_output(block, self.printed)
                continue
            last_ran = False
            if "not run" in block.marks:
                if len(block.marks["not run"]) < 5:
                    block.fail("'not run' without a reason")
                continue
            if need := self.missing(block):
                self.skipped.add(need)
                continue
            if "file" in block.marks:
                (self.folder / block.marks["file"]).write_text(block.text)
            elif block.language == "sh":
                self.shell(block)
            elif block.language == "python":
                if not self.has("python"):
                    self.skipped.add("python")
                    continue
                self.python(block)
            else:
                block.fail(f"a block of language '{block.language}' is neither run nor marked")
            last_ran = True
            self.ran += 1


def abilities():
    """What blocks may need, each looked up once."""
    known = {}

    def look(need):
        if need == "training":
            return "pretrain" in subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
        if need == "python":
            try:
                import netflowgen  # noqa: F401
            except ImportError:
                return False
            return True
        return shutil.which(need) is not None

    def has(need):
        if need not in known:
            known[need] = look(need)
        return known[need]

    return has


def commands_in(text):
    """(command, its words) of all that looks like a call of the program in code: fenced, indented, or between backticks."""
    code = [line for line in text.splitlines() if line.startswith("    ")] + re.findall(r"`([^`\n]+)`", text)
    code += [line for block in re.findall(r"```[^\n]*\n(.*?)```", text, re.S) for line in block.splitlines()]
    for line in code:
        line = re.sub(r"\b[A-Z_]+=\S+", "", line)  # a variable that names the program is no call
        for call in re.findall(r"(?:^|[\s/$(])(?<!import )netflowgen((?: [^|&;#`()]*)?)", line):
            words = re.sub(r"^(\s+(-q|--quiet|--config \S+))*", "", call).split()
            if words and re.fullmatch(r"[a-z][a-z-]+", words[0]) and words[0] != "netflowgen":
                yield words[0], words[1:]


class Help:
    """What the program's help knows."""

    def __init__(self):
        top = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
        self.commands = set(re.findall(r"^  ([a-z][a-z-]+)\s", top.split("Subcommands:")[1], re.M))
        self.known = {}

    def ask(self, *words):
        done = subprocess.run([PROGRAM, *words, "--help-all"], capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else ""

    def options(self, command, words):
        """The options of a command and, where it has those, of its own commands that are named."""
        inner = [w for w in words[:1] if command == "evaluate" and not w.startswith("-")]
        key = (command, *inner)
        if key not in self.known:
            self.known[key] = set(re.findall(r"--[a-z0-9-]+", self.ask(*key)))
        return self.known[key]


# What a program without training lacks.
LEARNING = {"pretrain", "finetune", "calibrate", "demo-train"}
LEARNING_TASKS = {"attack-type", "congestion", "role"}  # of evaluate


def check_commands(pages):
    """Every command in the documents exists, with its options."""
    knows, wrong, seen = Help(), [], 0
    for path in pages:
        for command, words in commands_in(path.read_text()):
            if command not in knows.commands:
                if command not in LEARNING:
                    wrong.append(f"{path.name}: there is no command '{command}'")
                continue
            if words and words[0] in LEARNING_TASKS and not knows.options(command, words) - {"--help", "--help-all"}:
                continue
            seen += 1
            options = {w.split("=")[0].rstrip(",.:)") for w in words if w.startswith("--") and len(w) > 2}
            for option in sorted(options - knows.options(command, words) - {"--help", "--help-all"}):
                wrong.append(f"{path.name}: 'netflowgen {command}' has no option {option}")
    if wrong:
        raise SystemExit("FAILED: " + "\n".join(sorted(set(wrong))))
    print(f"{seen} commands of the documents exist, with their options", flush=True)


def check_links(pages):
    """Every relative link names a file. Anchors are checked by `make docs`, and so are links to pages that it makes (cpp/). The
    badge is a page of the repository's host."""
    wrong = []
    for path in pages:
        prose = re.sub(r"```.*?```", "", path.read_text(), flags=re.S)
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose):
            if not re.match(r"[a-z]+:|\.\./cpp/|\.\./\.\./actions/", target) and not (path.parent / target).exists():
                wrong.append(f"{path.name}: there is no {target}")
    if wrong:
        raise SystemExit("FAILED: " + "\n".join(wrong))


def check_guides():
    """Every guide is run here, or it is said what runs the same."""
    guides = {str(p.relative_to(SOURCE)) for p in [*(SOURCE / "docs").rglob("*.md"), SOURCE / "README.md"]
              if re.search(r"^A guide\b", p.read_text(), re.M)}
    wrong = [f"{g}: a guide that no test runs (PAGES or ELSEWHERE in tests/docs.py)" for g in sorted(guides - {*PAGES, *ELSEWHERE})]
    wrong += [f"{g}: there is no such guide (ELSEWHERE in tests/docs.py)" for g in sorted({*ELSEWHERE} - guides)]
    for guide, where in ELSEWHERE.items():
        wrong += [f"{guide}: there is no {f}, which runs it" for f in re.findall(r"\S+/\S+\.(?:sh|py|md)", where) if not (SOURCE / f).exists()]
    if wrong:
        raise SystemExit("FAILED: " + "\n".join(wrong))


def main():
    has = abilities()
    check_guides()
    named = [SOURCE / name for name in sys.argv[3:]]
    documents = named or [*sorted((SOURCE / "docs").rglob("*.md")), *(SOURCE / f for f in ("README.md", "CONTRIBUTING.md", "python/README.md", "web/README.md"))]
    check_links(documents)
    check_commands(documents)
    total = 0
    for name in sys.argv[3:] or PAGES:
        with tempfile.TemporaryDirectory(prefix="netflowgen-docs-") as folder:
            folder = pathlib.Path(folder)
            (folder / ".bin").mkdir()
            (folder / ".tmp").mkdir()
            (folder / ".bin" / "netflowgen").symlink_to(PROGRAM)
            (folder / "contrib").symlink_to(SOURCE / "contrib")
            page = Page(name, folder, has)
            page.run()
        left_out = f"; left out for want of {', '.join(sorted(page.skipped))}" if page.skipped else ""
        print(f"{name}: {page.ran} blocks run{left_out}", flush=True)
        total += page.ran
    if total == 0:
        raise SystemExit("FAILED: no block was run")


if __name__ == "__main__":
    main()
