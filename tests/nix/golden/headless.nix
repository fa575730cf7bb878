# Gives a graphics card to virtual machines. Made by vfio-wizard 0.1.0.
#
# Machine: Linux 6.12.9-test
# Release: NixOS 25.11
# Guest:   0000:01:00.0 (1002:6900)
# Host:    0000:00:02.0
#
# On: put this file beside configuration.nix, add ./gpu_passthrough.nix to its imports, run
# nixos-rebuild boot and restart.
#
# Off: take the import out again and do the same. If the machine does not come up, the
# previous generation in the boot menu is the way back.
{ pkgs, ... }:
{
  boot = {
    kernelParams = [
      # No function that stays on the host has one of these ids.
      "vfio-pci.ids=1002:6900"
    ];

    # In stage 1, where graphics drivers may be loaded too.
    initrd.kernelModules = [
      "vfio_pci"
      "vfio_iommu_type1"
    ];

    # Whoever loads a driver first (hardware.amdgpu.initrd, too), vfio-pci comes before it.
    extraModprobeConfig = ''
      softdep amdgpu pre: vfio-pci
    '';
  };

  virtualisation.libvirtd = {
    enable = true;
    # Guests start when asked, not because they ran at the last shutdown.
    onBoot = "ignore";
    # A guest with a real card cannot be saved to disk.
    onShutdown = "shutdown";
    qemu = {
      # A guest that breaks out of QEMU should not be root.
      runAsRoot = false;
      # Windows 11 asks for a TPM.
      swtpm.enable = true;
    };
  };

  # May manage guests without a password, which is as good as root.
  users.groups.libvirtd.members = [ "alice" ];

  programs.virt-manager.enable = true;
  # Lets the user hand USB devices to a running guest.
  virtualisation.spiceUSBRedirection.enable = true;
  environment.systemPackages = [ pkgs.looking-glass-client ];

  # Looking Glass: the guest's <shmem> of 32 MiB holds pictures up to 1920x1080. Only the
  # user and QEMU may see the screen.
  systemd.tmpfiles.rules = [ "f /dev/shm/looking-glass 0660 alice qemu-libvirtd -" ];
}
