"""Knowledge files: the grammar holds, each entry has a source, the compiled tables are those of the files."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from vfio_wizard.knowledge import tables
from vfio_wizard.knowledge.bootchain import LOADERS
from vfio_wizard.knowledge.firmware import SWITCHES
from vfio_wizard.knowledge.grammar import FORMS, TABLES, USERS_OWN, parse
from vfio_wizard.knowledge.milestones import MILESTONES
from vfio_wizard.knowledge.ways import WAYS

DATA = Path("vfio_wizard/knowledge/data")
FILES = sorted(DATA.glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_file_keeps_to_the_grammar(path: Path, repository: Path) -> None:
    assert parse((repository / path).read_text(encoding="utf-8")).problems == ()


def test_compiled_tables_are_those_of_the_files(repository: Path) -> None:
    made = subprocess.run(
        [sys.executable, "scripts/compile_knowledge.py", "--check"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (made.returncode, made.stderr) == (0, "")


def test_every_table_has_a_source_a_known_form_for_each_key_and_entries() -> None:
    for name, keys in TABLES.items():
        assert "source" in {key for key, _, _ in keys}, name
        assert {form for _, form, _ in keys} <= set(FORMS), name
        rows = getattr(tables, name.upper())
        assert rows, name
        assert len(rows) == len(set(rows)), name
        source = [key for key, _, _ in keys].index("source")
        assert all(len(row[source]) > 5 for row in rows), name


def test_what_a_user_may_add_cannot_make_the_program_content() -> None:
    assert set(USERS_OWN) <= set(TABLES)
    assert not {"milestone", "unsafe", "verified", "way"} & set(USERS_OWN)


def test_firmware_rows_are_found_by_their_own_board() -> None:
    general = {(one.purpose, one.cpu_vendor) for one in SWITCHES if not one.maker and not one.product}
    for one in SWITCHES:
        assert one.maker == one.maker.lower()
        assert {(one.purpose, one.cpu_vendor), (one.purpose, "any")} & general, (
            one
        )  # there is a row to fall back to
    keys = [(one.purpose, one.cpu_vendor, one.maker, one.product) for one in SWITCHES]
    assert len(keys) == len(set(keys))


def test_ways_name_boot_chains_that_exist() -> None:
    assert {one.chain for one in WAYS} <= {row.name for row in LOADERS}
    for one in WAYS:
        assert (one.add is None) == (one.remove is None), one
        assert one.add is None or "{word}" in one.add


def test_milestones_are_asked_for_by_name_somewhere(repository: Path) -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (repository / "vfio_wizard").rglob("*.py"))
    unused = [one.name for one in MILESTONES if f'"{one.name}"' not in code.replace(f"('{one.name}'", "")]
    assert set(unused) <= {"reset-method", "virqfd-folded"}  # told to readers by prose and by other tables


def test_no_knowledge_is_copied_with_a_path_of_somebodys_disk(repository: Path) -> None:
    for path in FILES:
        assert not re.search(
            r"/(?:home|root|tmp)/|\.\./shared", (repository / path).read_text(encoding="utf-8")
        )


def test_example_of_the_page_is_understood(repository: Path) -> None:
    page = (repository / "docs" / "adding-a-quirk.md").read_text(encoding="utf-8")
    example = page.split("```toml\n", 1)[1].split("```", 1)[0]
    parsed = parse(example, USERS_OWN)
    assert parsed.problems == ()
    assert len(parsed.rows["reset"]) == 1
    for table in USERS_OWN:
        assert f"[[{table}]]" in page
        assert all(f"`{key}`" in page for key, _, _ in TABLES[table]), table
