"""The user's own knowledge counts, before the package's, and only what is understood."""

from __future__ import annotations

from tests.facts_builder import BRIDGE, GPU, at, good_machine, make_function, port
from vfio_wizard.checks.host import firmware_words
from vfio_wizard.checks.registry import run_checks
from vfio_wizard.knowledge.firmware import switch
from vfio_wizard.knowledge.own import NOTHING, read_own
from vfio_wizard.model.finding import Status
from vfio_wizard.model.unread import Gap, Unread

RESET = """[[reset]]
generation = "RDNA9"
family = "Navi 99"
affected = "reported"
vendor_reset = false
devices = ["9999"]
source = "my own card"
"""
SWITCH = """[[switch]]
purpose = "iommu"
cpu_vendor = "intel"
maker = "Tuxedo"
words = "Advanced, Chipset, VT-d"
source = "photograph of my setup"
"""
LOG = """[[log]]
holds = ["my card", "is on fire"]
weight = "warning"
who = "user"
says = "the card burns"
do = "Put it out."
source = "seen once"
"""


def test_no_files_cost_nothing() -> None:
    assert read_own(()) is NOTHING


def test_own_reset_family_is_found() -> None:
    card = make_function(
        GPU, "1002:9999", 0x030000, group=5, driver="amdgpu", parent=at(BRIDGE), reset_methods=("bus",)
    )
    found = run_checks(good_machine(pci=(port(), card), own=(("own.toml", RESET),)), only=("gpu.reset",))
    assert [one.outcome.status for one in found] == [Status.FAIL]
    assert "Navi 99" in found[0].outcome.summary


def test_own_words_for_a_board_come_before_the_general_ones() -> None:
    facts = good_machine(system_vendor="TUXEDO Computers", own=(("own.toml", SWITCH),))
    assert firmware_words(facts, "iommu").startswith("Advanced, Chipset, VT-d (so on other boards of TUXEDO")
    assert "elsewhere on your board" in firmware_words(facts, "iommu")


def test_own_line_of_the_log_is_recognised() -> None:
    facts = good_machine(log=("0000:01:00.0: My card IS on fire",), own=(("own.toml", LOG),))
    found = run_checks(facts, only=("kernel.log-clean",))
    assert [one.outcome.summary for one in found] == ["the card burns"]


def test_files_that_cannot_be_read_add_nothing_and_raise_nothing() -> None:
    own = read_own((("own.toml", Unread("own.toml", Gap.DENIED)), ("bad.toml", "[[x]]\n"), ("log.toml", LOG)))
    assert own.entries == 1
    assert [path for path, _ in own.problems] == ["bad.toml"]


def test_boards_are_recognised_however_the_maker_is_spelt() -> None:
    words = {
        maker: row.words
        for maker in (
            "Supermicro",
            "Super Micro Computer, Inc.",
            "HP",
            "HPE",
            "ASUSTeK COMPUTER INC.",
            "Acme",
        )
        if (row := switch("iommu", "intel", maker)) is not None
    }
    assert words["Supermicro"] == words["Super Micro Computer, Inc."]
    assert words["HPE"] == words["Acme"] != words["HP"]
    assert "System Agent" in words["ASUSTeK COMPUTER INC."]


def test_rows_for_a_product_need_that_product() -> None:
    thinkpad = switch("cpu", "amd", "LENOVO", "21AH ThinkPad T14")
    other = switch("cpu", "amd", "LENOVO", "IdeaPad")
    assert thinkpad is not None
    assert other is not None
    assert "Security, Virtualization" in thinkpad.words
    assert "SVM Mode" in other.words
