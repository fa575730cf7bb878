"""Each of the mistakes that public configurations make is found, with line, reason and right form."""

from __future__ import annotations

import pytest

from tests.unit.lint.mistakes import ON_HOSTS_ONLY, SAMPLES, Sample
from tests.unit.lint.reviewing import nix, only, read, rules
from vfio_wizard.knowledge.nixos import R2009, R2305, R2311
from vfio_wizard.lint.mistake import Severity
from vfio_wizard.lint.rules import RULES
from vfio_wizard.lint.situation import Situation


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_the_mistake_is_found_with_line_reason_and_right_form(sample: Sample) -> None:
    found = read(sample.text, sample.file, Situation(sample.kernel, sample.release))
    one = only(found, sample.rule)
    assert (one.place.line, one.severity) == (sample.line, sample.severity)
    assert one.seen == sample.seen or not sample.seen
    assert sample.why in one.why
    assert sample.right in (one.right or "")
    assert one.source


PARSERS_PLACE = frozenset(
    (
        "lint.domain.doctype",
        "lint.domain.syntax",
        "lint.grub.quotes",
        "lint.modprobe.file-name",
        "lint.nix.hooks",
        "lint.nix.patch-key",
        "lint.nix.syntax",
    )
)
"""Rules that point at a quote, a part of a path or where a parser stopped, and show more than that."""


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_the_place_is_where_the_words_stand(sample: Sample) -> None:
    one = only(read(sample.text, sample.file, Situation(sample.kernel, sample.release)), sample.rule)
    line = sample.text.splitlines()[one.place.line - 1]
    head = one.seen.split("…")[0].split(" ")[0]
    if not head or sample.rule in PARSERS_PLACE:
        return
    # An option is shown with its path, and stands in the file with its last name, or several.
    rest = line[one.place.column - 1 :].removeprefix("pkgs.").removeprefix("<loader>").lstrip('"')
    head = head.rstrip(">")
    words = (head, *(".".join(head.split(".")[number:]) for number in range(1, 6)))
    assert rest.startswith(tuple(word for word in words if word)), (line, one.place)


def test_every_rule_has_a_sample_or_a_test_on_a_host() -> None:
    assert {sample.rule for sample in SAMPLES} | ON_HOSTS_ONLY == set(RULES)


def test_rules_are_sorted_and_told_in_one_style() -> None:
    assert list(RULES) == sorted(RULES)
    assert all(
        rule.id.startswith("lint.") and rule.source and not rule.title.endswith(".")
        for rule in RULES.values()
    )


def test_a_replacement_makes_the_mistake_go_away() -> None:
    for sample in SAMPLES:
        situation = Situation(sample.kernel, sample.release)
        one = only(read(sample.text, sample.file, situation), sample.rule)
        quoted = sample.rule in ("lint.parameter.several", "lint.module.several")
        if one.replacement is None or sample.rule.startswith(
            ("lint.domain", "lint.modprobe.file", "lint.nix")
        ):
            continue
        seen = f'"{sample.seen}"' if quoted else sample.seen
        lines = sample.text.splitlines()
        lines[one.place.line - 1] = _replaced(lines[one.place.line - 1], seen, one.replacement)
        again = read("\n".join(lines), sample.file, situation)
        assert sample.rule not in rules(again), (sample.name, lines[one.place.line - 1])


def _replaced(line: str, seen: str, replacement: str) -> str:
    at = line.rindex(seen)
    return line[:at] + replacement + line[at + len(seen) :]


# --- what depends on kernel and release -----------------------------------------------------------


def test_virqfd_is_right_on_old_kernels() -> None:
    text = '{ boot.initrd.kernelModules = [ "vfio_virqfd" ]; }'
    assert rules(nix(text, kernel=(6, 1))) == []
    assert rules(nix(text, release=R2305)) == []
    assert rules(nix(text, kernel=(6, 2))) == ["lint.module.gone"]


def test_virqfd_behind_a_question_for_the_version_is_right() -> None:
    text = """{ lib, config, ... }: {
      boot.initrd.kernelModules = [ "vfio_pci" ]
        ++ lib.optional (lib.versionOlder config.boot.kernelPackages.kernel.version "6.2") "vfio_virqfd";
    }"""
    assert rules(nix(text)) == []


def test_a_kernel_that_the_file_asks_for_counts() -> None:
    text = '{ boot.kernelPackages = pkgs.linuxPackages_6_1; boot.kernelModules = [ "vfio_virqfd" ]; }'
    assert "lint.module.gone" not in rules(nix(text))
    assert "lint.module.gone" in rules(nix(text.replace("6_1", "6_12")))


def test_efifb_is_right_on_old_kernels() -> None:
    assert rules(read("quiet video=efifb:off", "cmdline", Situation(kernel=(5, 15)))) == []


def test_spaces_in_a_parameter_are_fine_before_2111() -> None:
    text = '{ boot.kernelParams = [ "intel_iommu=on iommu=pt" ]; }'
    assert rules(nix(text, release=R2009)) == []


def test_scripted_stage_1_takes_scripts() -> None:
    text = '{ boot.initrd.preDeviceCommands = "modprobe vfio-pci"; }'
    assert rules(nix(text, release=R2311)) == []
    assert rules(nix("{ boot.initrd.systemd.enable = false;" + text[1:])) == []
    guarded = text.replace('"modprobe', 'lib.mkIf (!config.boot.initrd.systemd.enable) "modprobe')
    assert rules(nix("{ config, lib, ... }: " + guarded)) == []
    assert rules(nix("{ boot.initrd.systemd.enable = true;" + text[1:], release=R2311)) == [
        "lint.nix.stage-1"
    ]


def test_the_same_module_for_its_own_kernel_is_a_note() -> None:
    text = """{ pkgs, ... }: {
      boot.kernelPackages = pkgs.linuxPackages_latest;
      boot.extraModulePackages = [ pkgs.linuxPackages_latest.kvmfr ];
    }"""
    assert only(nix(text), "lint.nix.kernel-packages").severity is Severity.NOTE


def test_ids_with_early_modules_are_nothing_to_complain_about() -> None:
    text = """{
      boot.initrd.kernelModules = [ "vfio_pci" "amdgpu" ];
      boot.kernelParams = [ "iommu=pt" "vfio-pci.ids=1002:731f,1002:ab38" ];
    }"""
    assert rules(nix(text)) == []


def test_a_softdep_makes_late_modules_early_enough() -> None:
    text = """{
      boot.kernelModules = [ "vfio_pci" ];
      boot.extraModprobeConfig = "softdep amdgpu pre: vfio-pci";
      boot.kernelParams = [ "vfio-pci.ids=1002:731f,1002:ab38" ];
    }"""
    assert rules(nix(text)) == []


def test_modules_in_a_second_file_count() -> None:
    from vfio_wizard.lint.review import Given, review  # noqa: PLC0415 - two files only here

    ids = Given("ids.nix", '{ boot.kernelParams = [ "vfio-pci.ids=1002:731f,1002:ab38" ]; }')
    late = Given("late.nix", '{ boot.kernelModules = [ "vfio_pci" ]; }')
    early = Given("early.nix", '{ boot.initrd.kernelModules = [ "vfio_pci" ]; }')
    assert rules(review([ids, late], Situation())) == ["lint.nix.too-late"]
    assert rules(review([ids, late, early], Situation())) == []


def test_ids_of_a_modprobe_file_judge_the_order_of_another() -> None:
    from vfio_wizard.lint.review import Given, review  # noqa: PLC0415 - two files only here

    ids = Given("vfio.conf", "options vfio-pci ids=1002:731f,1002:ab38\nsoftdep amdgpu pre: vfio-pci\n")
    order = Given("mkinitcpio.conf", "MODULES=(amdgpu vfio_pci)\nHOOKS=(base modconf)\n")
    assert rules(review([ids, order], Situation())) == ["lint.module.order"]
    assert rules(review([order], Situation())) == []
