"""Readers of what boot loaders hand to the kernel: initramfs images and unified kernel images."""
