"""Vendor names as people say them: pci.ids writes out whole companies, and a line has 80 columns."""

from __future__ import annotations

_SHORT = (
    ("Advanced Micro Devices, Inc. [AMD/ATI] ", "AMD "),
    ("Advanced Micro Devices, Inc. [AMD] ", "AMD "),
    ("NVIDIA Corporation ", "NVIDIA "),
    ("Intel Corporation ", "Intel "),
    ("Samsung Electronics Co Ltd ", "Samsung "),
    ("Realtek Semiconductor Co., Ltd. ", "Realtek "),
    ("ASMedia Technology Inc. ", "ASMedia "),
    ("ASPEED Technology, Inc. ", "ASPEED "),
    ("Matrox Electronics Systems Ltd. ", "Matrox "),
    ("Sandisk Corp ", "Sandisk "),
    ("Micron Technology Inc ", "Micron "),
    ("Broadcom Inc. and subsidiaries ", "Broadcom "),
    ("Red Hat, Inc. ", "Red Hat "),
)


def short_name(name: str) -> str:
    """A name with its vendor in short."""
    for long, short in _SHORT:
        if name.startswith(long):
            return short + name[len(long) :]
    return name
