"""``cores``: a picture of the processor, and the CPUs that a guest would get."""

from __future__ import annotations

import sys

from vfio_wizard.cli.choice import answers
from vfio_wizard.cli.exits import Exit
from vfio_wizard.cli.given import Given
from vfio_wizard.cli.look import Seen, addresses, look, on_host, print_json, width
from vfio_wizard.model.errors import UsageError
from vfio_wizard.model.pins import HugePagePlan, PinPlan
from vfio_wizard.model.plan import CpuIsolation
from vfio_wizard.model.selection import CpuWish, Selection
from vfio_wizard.model.unread import Unread, known


def run(given: Given) -> int:
    """Show the cores of one machine; 3 where they are not known."""
    from vfio_wizard.planning.pinning import pins_for  # noqa: PLC0415

    if given.text("output") is not None and given.text("hook") is None:
        message = "-o FILE is for --hook GUEST"
        raise UsageError(message)
    chosen = _selection(given)
    seen = look(given.text("host"), holders=False)
    on_host(seen, chosen.gpus, "gpu")
    plan = pins_for(seen.facts, chosen)
    if given.text("hook") is not None:
        return _hook(given, plan)
    pages = _pages(seen, chosen, plan)
    if given.flag("json"):
        from vfio_wizard.report.cores_json import cores_json  # noqa: PLC0415

        print_json(cores_json(seen.facts.cpu, plan, pages))
    else:
        from vfio_wizard.report.cores_text import cores_text  # noqa: PLC0415

        drawn = None if isinstance(plan, Unread) else plan
        sys.stdout.write(cores_text(seen.facts.cpu, drawn, pages, width=width()))
    return Exit.UNKNOWN if isinstance(plan, Unread) else Exit.OK


def _hook(given: Given, plan: PinPlan | Unread) -> int:
    """The hook for the guest that was named, to standard output or into a file that can be run."""
    from vfio_wizard.render.cpu_hook import place, script  # noqa: PLC0415

    guest, output = str(given.text("hook")), given.text("output")
    text = script(guest, kept_free(plan))
    if output is None:
        sys.stdout.write(text)
        sys.stderr.write(f"for {place(guest)}; libvirt looks for hooks when it starts\n")
        return Exit.OK
    from vfio_wizard.cli.export import refuse_strangers  # noqa: PLC0415
    from vfio_wizard.system.files import write_whole  # noqa: PLC0415

    refuse_strangers(output, text.encode(), given.flag("force"))
    write_whole(output, text.encode(), 0o755)
    return Exit.OK


def kept_free(plan: PinPlan | Unread) -> CpuIsolation:
    """The guest's CPUs and the host's. Raises UsageError where the host can do without none."""
    from vfio_wizard.planning.cpus import apart  # noqa: PLC0415 - for hooks only

    if isinstance(plan, Unread) or not plan.pinned:
        message = "no CPU of this host can be the guest's own, so that there is nothing to keep free"
        raise UsageError(message)
    return apart(plan.pins.vcpus, plan.host)


def _selection(given: Given) -> Selection:
    """The answers, overruled by the options."""
    from vfio_wizard.planning.cpus import parse_cpu_list  # noqa: PLC0415

    chosen = answers(str(given.text("answers"))) if given.text("answers") else Selection(())
    vcpus, memory, cpus = _number(given, "vcpus", 8192), _number(given, "memory", 1 << 26), given.text("cpus")
    wish = CpuWish(parse_cpu_list(cpus)) if cpus else None if vcpus else chosen.cpus
    return chosen._replace(
        gpus=addresses(given, "gpu") or chosen.gpus,
        cpus=wish,
        domain=chosen.domain._replace(
            vcpus=vcpus or chosen.domain.vcpus, memory_mib=memory or chosen.domain.memory_mib
        ),
    )


def _number(given: Given, option: str, most: int) -> int | None:
    text = given.text(option)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 12 and 1 <= int(text) <= most):
        message = f"--{option}: {text!r} is no number from 1 to {most}"
        raise UsageError(message)
    return int(text)


def _pages(seen: Seen, chosen: Selection, plan: PinPlan | Unread) -> HugePagePlan | Unread | None:
    """Huge pages for the guest's memory, where it was said how much."""
    if chosen.domain.memory_mib is None:
        return None
    from vfio_wizard.model.version import kernel_version  # noqa: PLC0415
    from vfio_wizard.planning.huge_pages import plan_huge_pages  # noqa: PLC0415

    node = None if isinstance(plan, Unread) else plan.pins.numa_node
    kernel = kernel_version(known(seen.facts.kernel.release, ""))
    return plan_huge_pages(seen.facts.memory, chosen.domain.memory_mib, node, kernel)
