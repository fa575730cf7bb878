"""Made from data/*.toml by scripts/compile_knowledge.py: change those files, not this one."""

# fmt: off
# ruff: noqa: E501 - one entry a line, as Python prints it
from typing import Any

Rows = tuple[tuple[Any, ...], ...]

RESET: Rows = (
    ('GCN2', 'Hawaii', 'untold', False, '67a0 67a1 67a2 67a8 67a9 67aa 67b0 67b1 67b8 67b9 67ba 67be', 'linux 6.12:amdgpu_drv.c', '1002'),
    ('GCN3', 'Stoney APU', 'untold', False, '98e4', 'linux 6.12:amdgpu_drv.c; linux 6.12:drivers/iommu/amd/init.c', '1002'),
    ('GCN4', 'Polaris 10', 'reported', True, '67c0 67c1 67c2 67c4 67c7 67c8 67c9 67ca 67cc 67cf 67d0 67df 6fdf', 'gnif/vendor-reset:src/device-db.h, README', '1002'),
    ('GCN4', 'Polaris 10', 'untold', False, '67d4', 'linux 6.12:amdgpu_drv.c', '1002'),
    ('GCN4', 'Polaris 11', 'reported', True, '67e0 67e1 67e3 67e7 67e8 67e9 67eb 67ef 67ff', 'gnif/vendor-reset:src/device-db.h, README', '1002'),
    ('GCN4', 'Polaris 12', 'reported', True, '6980 6981 6985 6986 6987 6995 6997 699f', 'gnif/vendor-reset:src/device-db.h, README', '1002'),
    ('GCN4', 'Polaris 12', 'untold', False, '698f', 'linux 6.12:amdgpu_drv.c', '1002'),
    ('GCN5', 'Raven/Picasso APU', 'untold', False, '15d8 15dd', 'linux 6.12:amdgpu_drv.c; inga-lovinde/RadeonResetBugFix#5', '1002'),
    ('GCN5', 'Renoir/Cezanne/Lucienne APU', 'untold', False, '15e7 1636 1638 164c', 'linux 6.12:amdgpu_drv.c', '1002'),
    ('GCN5', 'Vega 20', 'yes', True, '66a0 66a1 66a2 66a3 66a4 66a7 66af', 'gnif/vendor-reset:src/device-db.h, README; gnif/vendor-reset#35', '1002'),
    ('GCN5', 'Vega 10', 'yes', True, '6860 6861 6862 6863 6864 6867 6868 6869 686a 686b 686c 686d 686e 686f 687f', 'gnif/vendor-reset:src/device-db.h, README; gnif/vendor-reset#35', '1002'),
    ('GCN5', 'Vega M', 'untold', False, '694c 694e 694f', 'linux 6.12:amdgpu_drv.c', '1002'),
    ('GCN5', 'Vega 12', 'untold', False, '69a0 69a1 69a2 69a3 69af', 'linux 6.12:amdgpu_drv.c', '1002'),
    ('CDNA1', 'Arcturus', 'untold', False, '7388 738e 7390', 'linux 6.12:amdgpu_drv.c', '1002'),
    ('CDNA1', 'Arcturus', 'reported', True, '738c', 'gnif/vendor-reset:src/device-db.h, README', '1002'),
    ('RDNA1', 'Navi 10', 'yes', True, '7310 7312 7318 7319 731a 731b 731e 731f', 'gnif/vendor-reset:src/device-db.h, README; gnif/vendor-reset#35', '1002'),
    ('RDNA1', 'Navi 14', 'reported', True, '7340 7341 7347 734f', 'gnif/vendor-reset:src/device-db.h, README', '1002'),
    ('RDNA1', 'Navi 12', 'reported', True, '7360 7362', 'gnif/vendor-reset:src/device-db.h, README', '1002'),
    ('RDNA2', 'Rembrandt APU (Yellow Carp)', 'untold', False, '164d 1681', 'linux 6.12:amdgpu_drv.c', '1002'),
    ('RDNA2', 'Navi 21', 'board', False, '73a0 73a1 73a2 73a3 73a5 73a8 73a9 73ab 73ac 73ad 73ae 73af 73bf', 'linux 6.12:amdgpu_drv.c; gnif/vendor-reset#35; gnif/vendor-reset#65; gnif/vendor-reset#41', '1002'),
    ('RDNA2', 'Navi 22', 'board', False, '73c0 73c1 73c3 73da 73db 73dc 73dd 73de 73df', 'linux 6.12:amdgpu_drv.c; gnif/vendor-reset#35; gnif/vendor-reset#65; gnif/vendor-reset#41', '1002'),
    ('RDNA2', 'Navi 23', 'board', False, '73e0 73e1 73e2 73e3 73e8 73e9 73ea 73eb 73ec 73ed 73ef 73ff', 'linux 6.12:amdgpu_drv.c; gnif/vendor-reset#35; gnif/vendor-reset#65; gnif/vendor-reset#41', '1002'),
    ('RDNA2', 'Navi 24', 'board', False, '7420 7421 7422 7423 7424 743f', 'linux 6.12:amdgpu_drv.c; gnif/vendor-reset#35; gnif/vendor-reset#65; gnif/vendor-reset#41', '1002'),
    ('RDNA3', 'Navi 31', 'reported', False, '744c', 'pci.ids; gnif/vendor-reset#65', '1002'),
    ('RDNA3', 'Navi 32', 'untold', False, '747e', 'pci.ids', '1002'),
    ('RDNA3', 'Navi 33', 'untold', False, '7480 7483', 'pci.ids', '1002'),
    ('RDNA4', 'Navi 48', 'reported', False, '7550', 'pci.ids; urbanyl/GPU-Passthrough-for-KVM-QEMU-on-Linux#4', '1002'),
    ('RDNA4', 'Navi 44', 'reported', False, '7590', 'pci.ids; gnif/vendor-reset#107', '1002'),
)

SWITCH: Rows = (
    ('iommu', 'intel', None, None, 'VT-d (Intel Virtualization Technology for Directed I/O)', "Intel's name for it"),
    ('iommu', 'amd', None, None, 'IOMMU (sometimes AMD-Vi)', "AMD's names for it"),
    ('cpu', 'intel', None, None, 'Intel Virtualization Technology (VT-x, on some boards VMX)', "Intel's name for it"),
    ('cpu', 'amd', None, None, 'SVM Mode (on some boards Secure Virtual Machine or AMD-V)', "AMD's names for it"),
    ('above-4g', 'any', None, None, 'Above 4G Decoding (on some boards above 4G memory, MMIO above 4 GB or 64-bit resources)', 'docs.nvidia.com: MLNX_OFED, Features Overview and Configuration; xCuri0/ReBarUEFI#91'),
    ('rebar', 'any', None, None, 'Resizable BAR (Re-Size BAR Support; AMD also says Smart Access Memory)', 'xCuri0/ReBarUEFI README; docs.darwinkvm.com: BIOS settings'),
    ('csm', 'any', None, None, 'CSM (Compatibility Support Module, on some boards Legacy Boot)', 'cgdirector.com: What Is CSM In Your BIOS; us.informatiweb.net: boot in LEGACY BIOS mode'),
    ('acs', 'any', None, None, 'ACS (sometimes below PCI, AMD CBS or NBIO)', 'Supermicro X11DDW-L manual, chapter 4; pastebin.com/928FbJrX (Gigabyte X570)'),
    ('cpu', 'intel', 'asus', None, 'Advanced, CPU Configuration, Intel Virtualization Technology', 'us.informatiweb.net: enable IOMMU or VT-d in your BIOS (ASUS WS X299 SAGE)'),
    ('cpu', 'amd', 'asus', None, 'Advanced, CPU Configuration, SVM Mode (Advanced Mode with F7)', 'gist.github.com/TapeWerm/58df097bcde819134b94011909e10182; asus.com/support/faq/1043992'),
    ('iommu', 'intel', 'asus', None, 'Advanced, System Agent (SA) Configuration, VT-d', 'ROG Maximus XII Formula BIOS manual, 6.3; us.informatiweb.net (ASUS WS X299 SAGE)'),
    ('above-4g', 'any', 'asus', None, 'Advanced, PCI Subsystem Settings, Above 4G Decoding', 'ROG Maximus XII Formula BIOS manual, 6.8; tutorial.info: Above 4G Decoding on ROG Strix B650E-F'),
    ('iommu', 'intel', 'dell', None, 'Virtualization Support, VT for Direct I/O', 'webleon/Hackintosh-OptiPlex-7070-MFF README, BIOS Settings'),
    ('cpu', 'amd', 'gigabyte', None, 'Tweaker, Advanced CPU Settings, SVM Mode (Advanced Mode with F2; older boards: M.I.T. instead of Tweaker)', 'pastebin.com/928FbJrX (X570 Aorus Elite); Rakeshmonkee/DMA: DMA Troubleshooting/readme.md'),
    ('iommu', 'amd', 'gigabyte', None, 'Settings, Miscellaneous, IOMMU (set to Enabled, not Auto; some boards have a second one below AMD CBS, NBIO)', 'pastebin.com/928FbJrX (X570 Aorus Elite); reddit r/gigabyte 12cl7fa (B650M)'),
    ('above-4g', 'any', 'gigabyte', None, 'Settings, IO Ports, Above 4G Decoding', 'tutorial.info: Above 4G Decoding in Gigabyte B650M'),
    ('acs', 'amd', 'gigabyte', None, 'Settings, AMD CBS, ACS Enable (and AER Cap beside it)', 'pastebin.com/928FbJrX (X570 Aorus Elite)'),
    ('cpu', 'amd', 'asrock', None, 'Advanced, CPU Configuration, SVM Mode', 'Rakeshmonkee/DMA: DMA Troubleshooting/readme.md; planet3dnow.de: ASRock X399 Taichi, BIOS'),
    ('iommu', 'intel', 'asrock', None, 'Advanced, Chipset Configuration, VT-d', 'bydavy/EFI-ASRock-Z390-Phantom-Gaming README (BIOS 1.50)'),
    ('iommu', 'intel', 'hp', None, 'Advanced, System Options, Virtualization Technology for Directed I/O (VTd)', 'MrrZed0/HP_EliteDesk_800_G3_Hackintosh README, BIOS Settings'),
    ('cpu', 'intel', 'hp', None, 'Advanced, System Options, Virtualization Technology (VTx)', 'MrrZed0/HP_EliteDesk_800_G3_Hackintosh README, BIOS Settings'),
    ('cpu', 'intel', 'lenovo', 'thinkpad', 'Security, Virtualization, Intel (R) Virtualization Technology', 'docs.lenovocdrt.com: ThinkPad BIOS settings, Virtualization'),
    ('cpu', 'amd', 'lenovo', 'thinkpad', 'Security, Virtualization, AMD-V', 'docs.lenovocdrt.com: ThinkPad BIOS settings, Virtualization'),
    ('iommu', 'intel', 'lenovo', 'thinkpad', 'Security, Virtualization, Intel (R) VT-d Feature (Kernel DMA Protection switches it on too)', 'docs.lenovocdrt.com: ThinkPad BIOS settings, Virtualization'),
    ('cpu', 'amd', 'micro-star', None, 'OC, Advanced CPU Configuration (on some boards CPU Features), SVM Mode', 'Rakeshmonkee/DMA: DMA Troubleshooting/readme.md'),
    ('iommu', 'intel', 'micro-star', None, 'Intel VT for Directed I/O Configuration, Intel(R) VT-d (Interrupt Remapping is beside it)', 'MSI MS-91E2 manual, page 3-13'),
    ('above-4g', 'any', 'oracle', None, 'IO, PCI Subsystem Settings, PCI 64 Bit Resources Allocation', 'docs.oracle.com: Server X8-8 service manual, BIOS IO menu'),
    ('iommu', 'intel', 'super micro', None, 'Intel VT for Directed I/O (VT-d), with Interrupt Remapping beside it', 'Supermicro X11DDW-L manual, chapter 4, page 93'),
    ('acs', 'intel', 'super micro', None, 'Intel VT for Directed I/O (VT-d), ACS Control', 'Supermicro X11DDW-L manual, chapter 4, page 93'),
)

PARAMETER: Rows = (
    ('amd_iommu', 'on', None, 'always', False, 'not a value in any kernel: the driver is on whenever the firmware offers it', None, 'linux 6.12:drivers/iommu/amd/init.c parse_amd_iommu_options'),
    ('amd_iommu', '1', None, 'always', False, 'not a value in any kernel', None, 'linux 6.12:drivers/iommu/amd/init.c parse_amd_iommu_options'),
    ('amd_iommu', 'pt', None, 'always', False, 'not a value of this parameter', 'iommu=pt, if it was meant', 'linux 6.12:drivers/iommu/amd/init.c parse_amd_iommu_options'),
    ('intel_iommu', 'pt', None, 'always', False, 'not a value of this parameter', 'iommu=pt, if it was meant', 'linux 6.12:drivers/iommu/intel/iommu.c intel_iommu_setup'),
    ('intel_iommu', '1', None, 'always', False, 'not a value of this parameter', 'intel_iommu=on', 'linux 6.12:drivers/iommu/intel/iommu.c intel_iommu_setup'),
    ('intel_iommu', None, None, 'amd', False, 'read only on Intel hosts', None, 'linux 6.12:drivers/iommu/intel/iommu.c intel_iommu_setup'),
    ('amd_iommu', None, None, 'intel', False, 'read only on AMD hosts', None, 'linux 6.12:drivers/iommu/amd/init.c parse_amd_iommu_options'),
    ('intel_iommu', 'on', None, 'intel-default-on', True, 'this kernel switches VT-d on by itself', None, 'linux 6.1:drivers/iommu/intel/Kconfig INTEL_IOMMU_DEFAULT_ON'),
    ('iommu', 'on', None, 'always', False, 'not a value of this parameter', None, 'linux 6.12:arch/x86/kernel/pci-dma.c iommu_setup'),
    ('iommu', '1', None, 'always', False, 'not a value of this parameter, although old checkers suggest it', None, 'linux 6.12:arch/x86/kernel/pci-dma.c iommu_setup'),
    ('video', 'efifb:off', (6, 1), 'always', False, 'vfio-pci frees the card from the console by itself since about 6.0; this only blinds the boot', None, 'linux 6.1:drivers/vfio/pci/vfio_pci_core.c vfio_pci_vga_init (reported for 6.0)'),
    ('video', 'vesafb:off', (6, 1), 'always', False, 'vfio-pci frees the card from the console by itself since about 6.0; this only blinds the boot', None, 'linux 6.1:drivers/vfio/pci/vfio_pci_core.c vfio_pci_vga_init (reported for 6.0)'),
    ('video', 'simplefb:off', None, 'always', False, 'simpledrm does not read video=', None, 'linux 6.12:drivers/gpu/drm/tiny/simpledrm.c'),
    ('initcall_blacklist', 'sysfb_init', (6, 1), 'always', False, 'vfio-pci frees the card from the console by itself since about 6.0; this only blinds the boot', None, 'linux 6.1:drivers/vfio/pci/vfio_pci_core.c vfio_pci_vga_init (reported for 6.0)'),
    ('nosimplefb', None, None, 'not-suse', False, 'known to SUSE kernels only', None, 'openSUSE boo#1201392'),
    ('pcie_aspm_off', None, None, 'always', False, 'no such parameter', 'pcie_aspm=off', 'linux 6.12:Documentation/admin-guide/kernel-parameters.txt'),
    ('pcie_acs_override', 'multfunction', None, 'always', False, "misspelt in the patch's own text; its parser wants multifunction", 'pcie_acs_override=multifunction', 'CachyOS/kernel-patches:6.17/0004-cachy.patch'),
    ('pcie_acs_override', None, None, 'not-patched', False, 'this kernel has not got the patch and handed the word to init', None, 'linux 6.12:init/main.c print_unknown_bootoptions'),
    ('vfio_iommu_type1.allow_unsafe_interrupts', None, None, 'remapping-on', False, 'interrupt remapping works here, so this only takes protection away', None, 'linux 6.12:drivers/vfio/vfio_iommu_type1.c'),
    ('rd.driver.pre', 'vfio_virqfd', (6, 2), 'always', False, 'the module is part of vfio since 6.2', None, 'linux 6.12:drivers/vfio/Makefile; commit e2d55709398e'),
    ('rd.driver.pre', None, None, 'not-dracut', False, 'only dracut reads it', None, 'dracut-ng:man/dracut.cmdline.7'),
    ('modules_load', 'vfio_virqfd', (6, 2), 'always', False, 'the module is part of vfio since 6.2', None, 'linux 6.12:drivers/vfio/Makefile; commit e2d55709398e'),
    ('rd.modules_load', 'vfio_virqfd', (6, 2), 'always', False, 'the module is part of vfio since 6.2', None, 'linux 6.12:drivers/vfio/Makefile; commit e2d55709398e'),
    ('vfio_virqfd', '', None, 'always', False, "a module's name alone loads nothing", None, "linux 6.12:kernel/params.c: a module's parameter has the form module.name=value"),
    ('kvm_intel', '', None, 'always', False, "a module's name alone loads nothing", None, "linux 6.12:kernel/params.c: a module's parameter has the form module.name=value"),
    ('kvm_amd', '', None, 'always', False, "a module's name alone loads nothing", None, "linux 6.12:kernel/params.c: a module's parameter has the form module.name=value"),
    ('vfio', '', None, 'always', False, "a module's name alone loads nothing", None, "linux 6.12:kernel/params.c: a module's parameter has the form module.name=value"),
    ('vfio_pci', '', None, 'always', False, "a module's name alone loads nothing", None, "linux 6.12:kernel/params.c: a module's parameter has the form module.name=value"),
    ('vfio_iommu_type1', '', None, 'always', False, "a module's name alone loads nothing", None, "linux 6.12:kernel/params.c: a module's parameter has the form module.name=value"),
    ('kvm_intel.nested', '1', (6, 12), 'always', True, 'nested guests are on by default', None, 'linux 6.12:arch/x86/kvm (nested defaults to on)'),
    ('kvm_amd.nested', '1', (6, 12), 'always', True, 'nested guests are on by default', None, 'linux 6.12:arch/x86/kvm (nested defaults to on)'),
)

MODULE: Rows = (
    ('vfio_virqfd', (6, 2), 'part of vfio since 6.2; mkinitcpio complains, dracut fails to build the image', 'linux 6.12:drivers/vfio/Makefile; commit e2d55709398e; HikariKnight/quickpassthrough#29; pavolelsig/passthrough_helper_fedora#2'),
)

UNSAFE: Rows = (
    ('vfio_iommu_type1.allow_unsafe_interrupts', '1', 'a guest may forge interrupts into the host', 'linux 6.12:drivers/vfio/vfio_iommu_type1.c'),
    ('iommufd.allow_unsafe_interrupts', '1', 'a guest may forge interrupts into the host', 'linux 6.12:drivers/iommu/iommufd/device.c'),
    ('vfio.enable_unsafe_noiommu_mode', '1', 'devices may write anywhere in host memory; useless for guests', 'linux 6.12:drivers/vfio/vfio_main.c'),
    ('pci', 'disable_acs_redir', 'takes isolation away from the named ports and can merge groups', 'linux 6.12:Documentation/admin-guide/kernel-parameters.txt'),
)

MILESTONE: Rows = (
    ('config-acs', (6, 11), 'reported', 'pci=config_acs= switches on access control that the firmware left off', 'linux 6.12:drivers/pci/pci.c (absent 6.1); commit 47c8846a49ba, July 2024'),
    ('console-eviction', (6, 0), 'reported', "vfio-pci takes the firmware's console off VGA-class cards by itself", 'linux 6.1:drivers/vfio/pci/vfio_pci_core.c vfio_pci_vga_init; linux-next branch for-5.20'),
    ('direct-regions-refused', (6, 6), 'reported', 'a device with a direct reserved region is refused for guests, on AMD too', 'linux 6.12:drivers/iommu/iommu.c (absent 6.1); commit a48ce36e2786'),
    ('reset-method', (5, 15), 'confirmed', 'each function tells its reset methods in the file reset_method', 'linux 6.12:Documentation/ABI/testing/sysfs-bus-pci; gnif/vendor-reset:udev/99-vendor-reset.rules'),
    ('virqfd-folded', (6, 2), 'reported', 'vfio_virqfd is part of vfio', 'linux 6.12:drivers/vfio/Makefile; commit e2d55709398e'),
)

VERIFIED: Rows = (
    ((6, 1), 'source read, booted in the lab', 'Debian 12: linux-source-6.1 6.1.192; docs/lab.md'),
    ((6, 12), 'source read, booted in the lab', 'Debian 13: linux-source-6.12 6.12.117; docs/lab.md'),
)

WAY: Rows = (
    ('grub-mkconfig', 'debian', 'GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub', None, None, 'update-grub', 'Debian grub-common 2.06:grub-mkconfig'),
    ('grub-mkconfig', 'suse', 'GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub', None, None, 'grub2-mkconfig -o /boot/grub2/grub.cfg', "Debian grub-common 2.06:grub-mkconfig (the name grub2 is SUSE's and Fedora's)"),
    ('grub-mkconfig', None, 'GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub', None, None, 'grub-mkconfig -o /boot/grub/grub.cfg', 'Debian grub-common 2.06:grub-mkconfig'),
    ('grub-bls', None, 'the boot entries, through grubby', 'grubby --update-kernel=ALL --args={word}', 'grubby --update-kernel=ALL --remove-args={word}', None, 'rhboot/grub2#126; rhboot/grubby#55'),
    ('rpm-ostree', None, 'the kernel arguments of the next deployment', 'rpm-ostree kargs --append-if-missing={word}', 'rpm-ostree kargs --delete-if-present={word}', None, 'coreos/rpm-ostree:man/rpm-ostree.xml'),
    ('bootc', None, 'a file in /usr/lib/bootc/kargs.d, where the image is built', None, None, None, 'bootc-dev/bootc:docs/src/building/kernel-arguments.md'),
    ('kernelstub', None, "kernelstub's options", 'kernelstub -a {word}', 'kernelstub -d {word}', None, 'pop-os/kernelstub:README.md'),
    ('proxmox-boot-tool', None, '/etc/kernel/cmdline (one line) where systemd-boot starts, /etc/default/grub where GRUB does', None, None, 'proxmox-boot-tool refresh', 'proxmox/pve-docs:system-booting.adoc'),
    ('nixos', None, 'boot.kernelParams in the NixOS configuration', None, None, 'nixos-rebuild boot', 'NixOS/nixpkgs:nixos/modules/system/boot/kernel.nix'),
    ('sdboot-manage', None, 'LINUX_OPTIONS in /etc/sdboot-manage.conf', None, None, 'sdboot-manage gen', 'CachyOS/systemd-boot-manager:README.md'),
    ('sdbootutil', None, '/etc/kernel/cmdline (the whole line, root= included)', None, None, 'sdbootutil update-all-entries', 'openSUSE/sdbootutil:sdbootutil'),
    ('uki-mkinitcpio', None, '/etc/kernel/cmdline (the whole line, root= included)', None, None, 'mkinitcpio -P', 'archlinux/mkinitcpio v41:man/mkinitcpio.8.adoc'),
    ('systemd-boot-kernel-install', None, '/etc/kernel/cmdline (the whole line, root= included), then install each kernel again with kernel-install', None, None, None, 'systemd 252:kernel-install(8)'),
    ('systemd-boot-manual-entries', None, 'the options line of the entry in loader/entries', None, None, None, 'systemd 252:systemd-boot(7)'),
    ('limine-entry-tool', None, 'KERNEL_CMDLINE[default]+=" …" in a file of /etc/limine-entry-tool.d', None, None, 'limine-update', 'CachyOS/wiki#115; omacom/omarchy#9826'),
    ('limine', None, 'cmdline of the entry in limine.conf', None, None, None, 'limine-bootloader/limine:CONFIG.md (8.x)'),
    ('refind', None, 'the options in the first line of /boot/refind_linux.conf', None, None, None, 'CachyOS/wiki:boot_manager_configuration'),
    ('zfsbootmenu', None, 'the ZFS property org.zfsbootmenu:commandline of the boot environment', None, None, None, 'zbm-dev/zfsbootmenu:docs/index.rst'),
)

LOG: Rows = (
    (('BAR', "can't reserve"), 'warning', 'user', 'something on the host holds a memory window of the card', 'See gpu.framebuffer and gpu.host-driver: a console or a driver has not let go. Make another card the primary display in the firmware setup.', 'siderolabs/talos#14356; linux 6.12:drivers/vfio/pci/vfio_pci_core.c'),
    (('No interrupt remapping support',), 'warning', 'firmware', 'VFIO refused a device because its interrupts are not remapped', 'See iommu.interrupt-remapping.', 'linux 6.12:drivers/vfio/vfio_iommu_type1.c'),
    (('1:1 IOMMU mapping',), 'warning', 'firmware', 'the firmware wants memory of a device mapped 1:1, so it cannot go to a guest', 'See iommu.reserved-regions: update the firmware, or switch off the feature that uses the device before boot.', 'linux 6.12:drivers/iommu/iommu.c'),
    (('platform RMRR requirement',), 'warning', 'firmware', 'the firmware reserves memory for a device (RMRR), so it cannot go to a guest', 'See iommu.reserved-regions: update the firmware, or switch off the feature that uses the device before boot.', 'linux 6.1:drivers/iommu/intel/iommu.c'),
    (('RLIMIT_MEMLOCK', 'exceeded'), 'warning', 'user', 'a guest could not lock its memory', "Raise the limit for locked memory above the guest's memory (see user.memlock), or start the guest through libvirt, which does it.", 'linux 6.12:drivers/vfio/vfio_iommu_type1.c'),
    (('not ready', '; giving up'), 'warning', 'nobody', 'a device did not come back after a reset', 'Only a power cycle brings it back: shut the host down, or suspend it once. See gpu.reset for what is known of the card.', 'linux 6.12:drivers/pci/pci.c pci_dev_wait'),
    (('Unable to change power state', 'device inaccessible'), 'warning', 'nobody', 'a device does not answer any more, as cards do that were not reset', 'Only a power cycle brings it back: shut the host down, or suspend it once. See gpu.reset for what is known of the card.', 'linux 6.12:drivers/pci/pci.c pci_power_up'),
    (('Invalid PCI ROM',), 'note', 'user', 'the ROM of a card could not be read as it is', 'See gpu.rom: give the guest a copy from a file, read while another card was the boot display.', 'linux 6.12:drivers/pci/rom.c pci_get_rom_size'),
    (('DENIED', 'kvmfr'), 'warning', 'user', 'AppArmor or SELinux keeps QEMU from the Looking Glass device', 'See kvmfr.allowed: allow /dev/kvmfr0 in the profile that confines QEMU.', 'gnif/LookingGlass:doc/ivshmem_kvmfr.rst'),
    (('DENIED', '/dev/vfio'), 'warning', 'user', 'AppArmor or SELinux keeps a program from the VFIO devices', 'Start the guest through libvirt, which labels the devices and writes the profile.', 'libvirt: drvqemu, security'),
    (('x2apic opt out',), 'note', 'firmware', 'the firmware asks the kernel to leave x2APIC off', 'A firmware update usually cures it; intremap=no_x2apic_optout overrules it.', 'linux 6.12:drivers/iommu/intel/irq_remapping.c'),
    (('Disabling IOMMU for graphics on this chipset',), 'note', 'nobody', "the kernel keeps this chipset's integrated graphics out of the IOMMU", 'The integrated GPU cannot go to a guest; other cards are not concerned.', 'linux 6.12:drivers/iommu/intel/iommu.c'),
    (('AMD-Vi: Event logged', 'IO_PAGE_FAULT'), 'note', 'firmware', 'a device reached for memory that it was not given', 'Harmless now and then; if it is the card or its neighbours and repeats, update firmware and drivers.', 'linux 6.12:drivers/iommu/amd/iommu.c'),
    (('DMAR: [DMA', 'fault addr'), 'note', 'firmware', 'a device reached for memory that it was not given', 'Harmless now and then; if it is the card or its neighbours and repeats, update firmware and drivers.', 'linux 6.12:drivers/iommu/intel/dmar.c dmar_fault_do_one'),
)
