# Gives a graphics card to virtual machines. Made by vfio-wizard 0.1.0.
#
# Machine: ASRock X570 Taichi, AMD Ryzen 9 3900X 12-Core Processor, Linux 6.12.9
# Release: NixOS 25.05
# Guest:   0000:2f:00.0 Navi 10 [Radeon RX 5600 OEM/5600 XT / 5700/5700 XT] (1002:731f)
#          0000:2f:00.1 Navi 10 HDMI Audio (1002:ab38)
# Host:    0000:31:00.0 Lexa PRO [Radeon 540/540X/550/550X / RX 540X/550/550X]
#
# On: put this file beside configuration.nix, add ./gpu_passthrough.nix to its imports, run
# nixos-rebuild boot and restart, and choose the entry gpu-passthrough.
#
# Off: take the import out again and do the same. If the machine does not come up, the
# previous generation in the boot menu is the way back.
{ lib, pkgs, ... }:
{
  # A second entry in the boot menu; the plain system stays the default.
  specialisation.gpu-passthrough.configuration =
    { config, ... }:
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
            structuredExtraConfig = {
              KPROBES = lib.kernel.yes;
              LOCALVERSION = lib.kernel.freeform "-gpu";
            };
          }
        ];

        kernelParams = [
          # Navi 10 [Radeon RX 5600 OEM/5600 XT / 5700/5700 XT] and Navi 10 HDMI Audio: no
          # function that stays on the host has one of these ids.
          "vfio-pci.ids=1002:731f,1002:ab38"
          # Calls groups separate which the hardware may not keep apart: only for guests
          # that you trust.
          "pcie_acs_override=downstream,multifunction"
          # 16384 MiB of guest memory in pages of 1GiB.
          "default_hugepagesz=1G"
          "hugepagesz=1G"
          "hugepages=16"
        ];

        # In stage 1, where graphics drivers may be loaded too.
        initrd.kernelModules = [
          "vendor-reset"
          "vfio_pci"
          "vfio_iommu_type1"
        ];

        # Whoever loads a driver first (hardware.amdgpu.initrd, too), vfio-pci comes before
        # it. /dev/kvmfr0 holds pictures up to 3840x2160 HDR.
        extraModprobeConfig = ''
          softdep amdgpu pre: vfio-pci
          softdep snd_hda_intel pre: vfio-pci
          options kvmfr static_size_mb=256
        '';

        extraModulePackages = [
          # Resets the card between two guests: the kernel itself cannot reset this chip.
          config.boot.kernelPackages.vendor-reset
          # Looking Glass.
          config.boot.kernelPackages.kvmfr
        ];

        kernelModules = [ "kvmfr" ];
      };

      # Since Linux 5.15 the kernel uses vendor-reset's way only when it is told to. It
      # works if /sys/bus/pci/devices/0000:2f:00.0/reset_method says device_specific after a
      # restart.
      services.udev.extraRules = ''
        ACTION=="add", SUBSYSTEM=="pci", ATTR{vendor}=="0x1002", ATTR{device}=="0x731f", ATTR{reset_method}="device_specific"
      '';

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
          # Each line replaces libvirt's default, so the defaults are repeated.
          verbatimConfig = ''
            namespaces = []
            cgroup_device_acl = [
              "/dev/null",
              "/dev/full",
              "/dev/zero",
              "/dev/random",
              "/dev/urandom",
              "/dev/ptmx",
              "/dev/kvm",
              "/dev/kvmfr0",
              "/dev/input/by-id/usb-keyboard-event-kbd"
            ]
          '';
        };
        # While the guest runs, the host's own processes stay off its CPUs.
        hooks.qemu.cpus-for-guest = pkgs.writeShellScript "cpus-for-guest" ''
          [ "$1" = windows ] || exit 0
          case "$2/$3" in
            prepare/begin) cpus=0-1,6-23 ;;
            release/end) cpus=0-23 ;;
            *) exit 0 ;;
          esac
          for unit in init.scope system.slice user.slice; do
            ${pkgs.systemd}/bin/systemctl set-property --runtime -- $unit AllowedCPUs="$cpus"
          done
        '';
      };

      # May manage guests without a password, which is as good as root.
      users.groups.libvirtd.members = [ "alice" ];

      programs.virt-manager.enable = true;
      # Lets the user hand USB devices to a running guest.
      virtualisation.spiceUSBRedirection.enable = true;
      environment.systemPackages = [ pkgs.looking-glass-client ];

      # Before 73-seat-late.rules, or uaccess comes too late.
      services.udev.packages = [
        (pkgs.writeTextDir "lib/udev/rules.d/70-kvmfr.rules" ''
          SUBSYSTEM=="kvmfr", OWNER="alice", GROUP="qemu-libvirtd", MODE="0660", TAG+="uaccess"
        '')
      ];
    };
}
