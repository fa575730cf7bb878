# Gives a graphics card to virtual machines. Made by vfio-wizard 0.1.0.
#
# Machine: ASRock X570 Taichi, AMD Ryzen 9 3900X 12-Core Processor, Linux 6.12.9
# Release: NixOS 25.11
# Guest:   0000:2f:00.0 Navi 10 [Radeon RX 5600 OEM/5600 XT / 5700/5700 XT] (1002:731f)
#          0000:2f:00.1 Navi 10 HDMI Audio (1002:ab38)
# Host:    0000:31:00.0 Lexa PRO [Radeon 540/540X/550/550X / RX 540X/550/550X]
#
# On: put this file beside configuration.nix, add ./gpu_passthrough.nix to its imports and
# set gpuPassthrough.enable = true, run nixos-rebuild boot and restart.
#
# Off: take the import out again and do the same. If the machine does not come up, the
# previous generation in the boot menu is the way back.
{
  config,
  lib,
  pkgs,
  ...
}:
{
  options.gpuPassthrough.enable = lib.mkEnableOption "giving a graphics card to virtual machines";

  config = lib.mkIf config.gpuPassthrough.enable {
    boot = {
      kernelParams = [
        # Navi 10 [Radeon RX 5600 OEM/5600 XT / 5700/5700 XT] and Navi 10 HDMI Audio: no
        # function that stays on the host has one of these ids.
        "vfio-pci.ids=1002:731f,1002:ab38"
      ];

      # In stage 1, where graphics drivers may be loaded too.
      initrd.kernelModules = [
        "vfio_pci"
        "vfio_iommu_type1"
      ];

      # Whoever loads a driver first (hardware.amdgpu.initrd, too), vfio-pci comes before
      # it.
      extraModprobeConfig = ''
        softdep amdgpu pre: vfio-pci
        softdep snd_hda_intel pre: vfio-pci
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

    # Looking Glass: the guest's <shmem> of 64 MiB holds pictures up to 2560x1440. Only the
    # user and QEMU may see the screen.
    systemd.tmpfiles.rules = [ "f /dev/shm/looking-glass 0660 alice qemu-libvirtd -" ];
  };
}
