"""Hooks of mkdocs: Doxygen's pages (scripts/docs makes them) become part of the site as cpp/."""
import pathlib

from mkdocs.structure.files import File

CPP = pathlib.Path(__file__).resolve().parent.parent / "build/doxygen/html"


def on_files(files, config):
    """Adds every file of Doxygen's output, so that links to them are checked like all others."""
    for path in sorted(CPP.rglob("*")):
        if path.is_file():
            files.append(File.generated(config, f"cpp/{path.relative_to(CPP)}", abs_src_path=str(path)))
    return files
