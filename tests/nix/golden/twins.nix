# Gives a graphics card to virtual machines. Made by vfio-wizard 0.1.0.
#
# Machine: ASRock X570 Taichi, AMD Ryzen 9 3900X 12-Core Processor, Linux 6.12.9
# Release: NixOS 25.11
# Guest:   0000:27:00.0 (1002:67df)
#          0000:27:00.1 (1002:aaf0)
# Host:    0000:26:00.0
#
# On: put this file beside configuration.nix, add ./gpu_passthrough.nix to its imports, run
# nixos-rebuild boot and restart.
#
# Off: take the import out again and do the same. If the machine does not come up, the
# previous generation in the boot menu is the way back.
#
# Note: The binding rests on addresses. They can change when a card is added, removed or
# moved, and with firmware settings: check again before you start the machine that way.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  # By address: by id, vfio-pci would also take 0000:26:00.0, 0000:26:00.1. An address says
  # where a card sits today: if another device sits there, nothing is taken.
  takeByAddress = ''
    take() {
      device=/sys/bus/pci/devices/$1
      [ -e $device ] || return 0
      read -r vendor < $device/vendor
      read -r model < $device/device
      [ "$vendor:$model" = "$2" ] || [ -z "$2" ] || return 0
      echo vfio-pci > $device/driver_override
      echo $1 > /sys/bus/pci/drivers_probe
    }
    take 0000:27:00.0 0x1002:0x67df
    take 0000:27:00.1 0x1002:0xaaf0
  '';

  # Modules that would take the card before it is bound.
  tooEarly = [
    "amdgpu"
    "snd_hda_intel"
  ];
in
{
  boot = {
    initrd = {
      # In stage 1, where graphics drivers may be loaded too.
      kernelModules = [
        "vfio_pci"
        "vfio_iommu_type1"
      ];

      # For the scripted stage 1.
      preDeviceCommands = lib.mkIf (!config.boot.initrd.systemd.enable) takeByAddress;

      # For stage 1 with systemd: before it loads any driver.
      systemd.services.vfio-pci-by-address = lib.mkIf config.boot.initrd.systemd.enable {
        description = "Take PCI functions for virtual machines";
        wantedBy = [ "sysinit.target" ];
        before = [
          "systemd-modules-load.service"
          "systemd-udevd.service"
        ];
        unitConfig.DefaultDependencies = false;
        serviceConfig.Type = "oneshot";
        script = takeByAddress;
      };
    };
  };

  assertions = [
    {
      assertion =
        config.boot.initrd.systemd.enable
        || lib.mutuallyExclusive config.boot.initrd.kernelModules tooEarly;
      message = "gpu_passthrough.nix: the scripted stage 1 loads boot.initrd.kernelModules before it can bind by address. Take amdgpu and snd_hda_intel out of that list; hardware.amdgpu.initrd.enable puts amdgpu there.";
    }
  ];

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
