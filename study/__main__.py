"""`python -m study list RESULTS`, `show RESULTS/STUDY`, `rename RESULTS/STUDY NAME`, `delete RESULTS/STUDY`."""

import sys

from binarygan.cli.commands import Parser, status_of
from study.commands.studies import delete_study, list_studies, rename_study, show_study


def main(argv: list[str] | None = None) -> int:
    """Run the command; the exit status."""
    return status_of(lambda: _run(argv))


def _run(argv: list[str] | None) -> int:
    parser = Parser("python -m study", __doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    of = {name: commands.add_parser(name, description=text, help=text) for name, text in TEXTS.items()}
    of["list"].add_argument("where", nargs="?", default="results", metavar="RESULTS")
    for name in ("show", "rename", "delete"):
        of[name].add_argument("where", metavar="RESULTS/STUDY")
    of["rename"].add_argument("name", metavar="NAME")
    of["delete"].add_argument("--yes", action="store_true", help="do not ask")
    words = parser.parse_args(argv)
    if words.command == "list":
        return list_studies(words.where)
    if words.command == "show":
        return show_study(words.where)
    if words.command == "rename":
        return rename_study(words.where, words.name)
    return delete_study(words.where, yes=words.yes)


TEXTS = {
    "list": "the studies of a results folder, how their runs ended, how large they are",
    "show": "what a study is, what varies in it, and what became of its runs",
    "rename": "give a study another name",
    "delete": "remove a study, after a question",
}

if __name__ == "__main__":
    sys.exit(main())
