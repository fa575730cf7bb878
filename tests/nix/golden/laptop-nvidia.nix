# Gives a graphics card to virtual machines. Made by vfio-wizard 0.1.0.
#
# Machine: Linux 6.12.9-test
# Release: NixOS 24.11
# Guest:   0000:01:00.0 (10de:2484)
#          0000:01:00.1 (10de:228b)
# Host:    0000:00:02.0
#
# On: put this file beside configuration.nix, add ./gpu_passthrough.nix to its imports, run
# nixos-rebuild boot and restart.
#
# Off: take the import out again and do the same. If the machine does not come up, the
# previous generation in the boot menu is the way back.
#
# Note: Whether 0000:01:00.0, 0000:01:00.1 can be separated from other devices is not known:
# the IOMMU was not active when this was read. Check again with the IOMMU on before a guest
# gets it.
{ lib, pkgs, ... }:
{
  boot = {
    kernelParams = [
      # No function that stays on the host has one of these ids.
      "vfio-pci.ids=10de:2484,10de:228b"
      # NixOS kernels leave VT-d off without it.
      "intel_iommu=on"
    ];

    # In stage 1, where graphics drivers may be loaded too.
    initrd.kernelModules = [
      "vfio_pci"
      "vfio_iommu_type1"
    ];

    # Whoever loads a driver first, vfio-pci comes before it.
    extraModprobeConfig = ''
      softdep nouveau pre: vfio-pci
      softdep nvidia pre: vfio-pci
      softdep snd_hda_intel pre: vfio-pci
    '';
  };

  # The host's screens used NVIDIA's driver, and its only card leaves.
  services.xserver.videoDrivers = lib.mkForce [ "modesetting" ];
  hardware.nvidia.prime = {
    offload.enable = lib.mkForce false;
    sync.enable = lib.mkForce false;
  };

  virtualisation.libvirtd = {
    enable = true;
    # Guests start when asked, not because they ran at the last shutdown.
    onBoot = "ignore";
    # A guest with a real card cannot be saved to disk.
    onShutdown = "shutdown";
  };

  # May manage guests without a password, which is as good as root.
  users.groups.libvirtd.members = [
    "alice"
    "bob"
  ];

  environment.systemPackages = [ pkgs.looking-glass-client ];

  # Looking Glass: the guest's <shmem> of 32 MiB holds pictures up to 1920x1080. Only the
  # user and QEMU may see the screen.
  systemd.tmpfiles.rules = [ "f /dev/shm/looking-glass 0660 alice root -" ];
}
