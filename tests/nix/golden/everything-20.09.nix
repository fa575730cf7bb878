# Gives a graphics card to virtual machines. Made by vfio-wizard 0.1.0.
#
# Machine: ASRock X570 Taichi, AMD Ryzen 9 3900X 12-Core Processor, Linux 6.12.9
# Release: NixOS 20.09
# Guest:   0000:2f:00.0 Navi 10 [Radeon RX 5600 OEM/5600 XT / 5700/5700 XT] (1002:731f)
#          0000:2f:00.1 Navi 10 HDMI Audio (1002:ab38)
# Host:    0000:31:00.0 Lexa PRO [Radeon 540/540X/550/550X / RX 540X/550/550X]
#
# On: put this file beside configuration.nix, add ./gpu_passthrough.nix to its imports, run
# nixos-rebuild boot and restart.
#
# Off: take the import out again and do the same. If the machine does not come up, the
# previous generation in the boot menu is the way back.
#
# Not in NixOS 20.09: vendor-reset, which came with 21.05.
#
# Not in NixOS 20.09: kvmfr, which came with 21.11. Looking Glass uses /dev/shm here.
#
# Not in NixOS 20.09: an option for a virtual TPM (21.11 and later have one).
#
# Not in NixOS 20.09: SPICE USB redirection, which came with 21.05.
#
# Not in NixOS 20.09: hooks for libvirt, which came with 23.11. The CPUs are not kept free;
# isolcpus can do it here.
{ lib, pkgs, ... }:
{
  boot = {
    kernelPackages = pkgs.linuxPackages_latest;

    # A patched kernel is compiled on this machine, at every update again.
    kernelPatches = [
      {
        name = "ACS override";
        patch = ./acs-override.patch;
      }
      {
        name = "vfio-wizard-config";
        patch = null;
        extraStructuredConfig = {
          KPROBES = lib.kernel.yes;
          LOCALVERSION = lib.kernel.freeform "-gpu";
        };
      }
    ];

    kernelParams = [
      # Navi 10 [Radeon RX 5600 OEM/5600 XT / 5700/5700 XT] and Navi 10 HDMI Audio: no
      # function that stays on the host has one of these ids.
      "vfio-pci.ids=1002:731f,1002:ab38"
      # Calls groups separate which the hardware may not keep apart: only for guests that
      # you trust.
      "pcie_acs_override=downstream,multifunction"
      # 16384 MiB of guest memory in pages of 1GiB.
      "default_hugepagesz=1G"
      "hugepagesz=1G"
      "hugepages=16"
    ];

    # This stage 1 loads modules in the order of this list: vfio-pci before any graphics
    # driver.
    initrd.kernelModules = lib.mkBefore [
      "vfio_pci"
      "vfio_iommu_type1"
    ];
  };

  virtualisation.libvirtd = {
    enable = true;
    # Guests start when asked, not because they ran at the last shutdown.
    onBoot = "ignore";
    # A guest with a real card cannot be saved to disk.
    onShutdown = "shutdown";
    # A guest that breaks out of QEMU should not be root.
    qemuRunAsRoot = false;
    # Each line replaces libvirt's default, so the defaults are repeated.
    qemuVerbatimConfig = ''
      namespaces = []
      cgroup_device_acl = [
        "/dev/null",
        "/dev/full",
        "/dev/zero",
        "/dev/random",
        "/dev/urandom",
        "/dev/ptmx",
        "/dev/kvm",
        "/dev/input/by-id/usb-keyboard-event-kbd"
      ]
    '';
  };

  # May manage guests without a password, which is as good as root.
  users.groups.libvirtd.members = [ "alice" ];

  # Where virt-manager keeps its settings.
  programs.dconf.enable = true;
  environment.systemPackages = [
    pkgs.virt-manager
    pkgs.looking-glass-client
  ];

  # Looking Glass: the guest's <shmem> of 256 MiB holds pictures up to 3840x2160 HDR. Only
  # the user and QEMU may see the screen.
  systemd.tmpfiles.rules = [ "f /dev/shm/looking-glass 0660 alice qemu-libvirtd -" ];
}
