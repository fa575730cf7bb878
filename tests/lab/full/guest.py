"""The steps that give the prepared machine's card to a guest: they run after ``verify`` and before ``undo``.

``STEPS`` is a sequence of the kinds in ``steps.py``, or of any record with a ``name`` and a ``perform(run)``.
When they begin, both functions of the card are on vfio-pci, libvirt and QEMU are installed (a system with
``has_guests``), ``vfio-wizard`` is on the path, the machine has SVM, 2 GiB of memory, two processors and no
network. They must leave the card on vfio-pci, and /etc and /boot as they found them, or undo what they did:
after ``undo`` the files are compared with those from before ``apply``. What a nested guest boots (a kernel,
an initramfs) is put into ``run.machine.share``, which the machine sees as /run/share.
"""

from __future__ import annotations

from tests.lab.full.steps import Step

STEPS: tuple[Step, ...] = ()
