"""The virtual lab: Debian's kernels booted under emulation, the wheel run inside, its answers judged."""
