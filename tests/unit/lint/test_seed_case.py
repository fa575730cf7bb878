"""One file with the mistakes of public configurations side by side: none hides another."""

from __future__ import annotations

from tests.unit.lint.reviewing import nix
from vfio_wizard.lint.mistake import Severity

FILE = """\
{ config, pkgs, lib, ... }:
{
  boot.kernelParams = [
    "video=efifb:off"
    "amd_iommu=on"
    "amd_iommu=pt"
    "pcie_aspm_off"
    "kvm-intel"
    "vfio-pci.ids=vfio-pci.ids=10de:2482"
  ];
  boot.kernelModules = [ "vfio" "vfio_iommu_type1" "vfio_pci" "vfio_virqfd" ];
  boot.extraModprobeConfig = ''
    options vfio-pci ids=1002:731f,0000:02:00.0,144d:a808
  '';
  boot.blacklistedKernelModules = [ "nvidia nvidiafb nouveau i2c_nvidia_gpu" "snd_hda_intel" ];
  virtualisation.libvirtd.qemuVerbatimConfig = ''
    nvram = [ "/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-OVMF-202311/FV/OVMF.fd" ]
    cgroup_device_acl = [ "/dev/kvm", "/dev/kvm", "/dev/kqemu", "/dev/null" ]
  '';
  hardware.opengl.driSupport = true;
  boot.tmpOnTmpfs = false;
}
"""

EXPECTED = {
    (4, "lint.parameter.outdated"),
    (5, "lint.parameter.not-a-value"),
    (6, "lint.parameter.not-a-value"),
    (7, "lint.parameter.unknown"),
    (8, "lint.parameter.module-name"),
    (9, "lint.ids.prefix-twice"),
    (9, "lint.ids.half-card"),
    (11, "lint.module.gone"),
    (13, "lint.ids.half-card"),
    (13, "lint.ids.address"),
    (13, "lint.ids.drive"),
    (15, "lint.module.several"),
    (15, "lint.module.blacklist-audio"),
    (16, "lint.nix.renamed"),
    (17, "lint.nix.store-path"),
    (18, "lint.qemu.acl-defaults"),
    (18, "lint.qemu.gone-device"),
    (20, "lint.nix.removed"),
    (21, "lint.nix.renamed"),
}


def test_each_mistake_is_found_in_its_line() -> None:
    found = nix(FILE).mistakes
    assert {(one.place.line, one.rule) for one in found} >= EXPECTED


def test_each_has_a_reason_a_source_and_a_right_form() -> None:
    for one in nix(FILE).mistakes:
        assert one.why, one
        assert one.right, one
        assert one.source, one
    assert {one.severity for one in nix(FILE).mistakes} == set(Severity)
