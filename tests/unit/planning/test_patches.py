"""A patch is told from anything else before it is copied."""

from __future__ import annotations

import pytest

from vfio_wizard.planning.patches import problem

GOOD = """From 1 Mon Sep 17 00:00:00 2001
Subject: [PATCH] pci: something

--- a/drivers/pci/quirks.c
+++ b/drivers/pci/quirks.c
@@ -1,2 +1,3 @@
 one
+two
 three
"""


def test_a_patch_is_one() -> None:
    assert problem(GOOD) is None
    assert problem(GOOD.replace("--- a/drivers/pci/quirks.c", "--- /dev/null")) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no '--- '"),
        ("<!DOCTYPE html>\n<html>", "no '--- '"),
        ("--- a/x\n+++ b/x\n", "changes nothing"),
        (GOOD.replace("a/drivers/pci/", "").replace("b/drivers/pci/", ""), "no leading folder"),
        ("\0" + GOOD, "NUL"),
        (GOOD + " " * (4 << 20), "larger than 4 MiB"),
    ],
)
def test_what_is_no_patch_is_named(text: str, why: str) -> None:
    assert why in str(problem(text))
