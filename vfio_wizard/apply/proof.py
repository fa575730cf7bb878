"""What must hold before a change goes on: the built images bind, and the stored line is the planned one."""

from __future__ import annotations

from vfio_wizard.apply.work import Json
from vfio_wizard.model.facts import HostFacts, InstalledKernel
from vfio_wizard.model.image import InitramfsImage
from vfio_wizard.model.kargs import Kargs
from vfio_wizard.model.pci import PciAddress
from vfio_wizard.model.plan import Plan
from vfio_wizard.model.unread import Unread, known
from vfio_wizard.predict.outcome import UNKNOWN, FunctionPrediction, KernelPrediction
from vfio_wizard.predict.predict import predict
from vfio_wizard.probe.applied import BOOT_ID, SCHEMA
from vfio_wizard.probe.boot_facts import read_next_boot
from vfio_wizard.probe.gather import gather
from vfio_wizard.probe.images import read_images
from vfio_wizard.system.host import RootHost

VFIO = "vfio-pci"

Images = dict[str, InitramfsImage | Unread | None]


class HostProof:
    """Looks at the machine again, with nothing remembered from before the change."""

    def __init__(self, plan: Plan, root: str = "/", *, unproven: bool = False) -> None:
        """``unproven`` lets pass what cannot be known, though not what is known to be wrong."""
        self._plan = plan
        self._root = root
        self._unproven = unproven
        self._seen: tuple[HostFacts, Images, tuple[KernelPrediction, ...]] | None = None

    def image(self) -> tuple[str, ...]:
        """With the planned command line, which is not stored yet."""
        facts, images = self._look()
        line = self._plan.changed_line()
        if line is not None:
            facts = with_line(facts, line)
            images = {release: _with_line(one, line) for release, one in images.items()}
        return self._unbound(facts, images)

    def entries(self) -> tuple[str, ...]:
        """With the command line as it is stored now."""
        facts, images = self._look()
        return (*self._lost_words(facts, images), *self._unbound(facts, images))

    def saved(self) -> Json:
        """For state.json: no names of people in it, since everybody may read it."""
        facts, images, kernels = self._seen or (*self._look(), ())
        return {
            "schema": SCHEMA,
            "boot_id": boot_id(RootHost(self._root)),
            "bind": {"by": self._plan.bind.by.value, "ids": list(self._plan.bind.ids)},
            "functions": [_function(facts, one) for one in self._plan.bind.functions],
            "words": {"add": list(wanted_words(self._plan)), "remove": _removed(self._plan)},
            "kernels": [one.release for one in known(facts.kernels, ())],
            "images": [_image(release, one) for release, one in sorted(images.items())],
            "prediction": {one.release: self._drivers(one) for one in kernels},
        }

    def _look(self) -> tuple[HostFacts, Images]:
        host = RootHost(self._root)
        facts = gather(host, topology=False, holders=False)
        return facts, {one.release: one.image for one in read_images(host, known(facts.kernels, ()))}

    def _unbound(self, facts: HostFacts, images: Images) -> tuple[str, ...]:
        kernels = predict(facts, images, read_next_boot(RootHost(self._root), facts, images))
        self._seen = (facts, images, kernels)
        next_ones = boots_next(known(facts.kernels, ()))
        reasons = [
            self._reason(kernel, one)
            for kernel in kernels
            if kernel.release in next_ones
            for one in kernel.functions
        ]
        if not kernels and not self._unproven:
            return ("no installed kernel was found, so that nothing can be said about the next boot",)
        return tuple(one for one in reasons if one)

    def _reason(self, kernel: KernelPrediction, told: FunctionPrediction) -> str | None:
        if told.address not in self._plan.bind.functions or told.driver == VFIO:
            return None
        if told.driver == UNKNOWN and self._unproven:
            return None
        has = "what it cannot be said" if told.driver == UNKNOWN else told.driver or "no driver"
        why = f" ({'; '.join(told.why)})" if told.why else ""
        return f"Linux {kernel.release} would not bind {told.address} to vfio-pci but to {has}{why}"

    def _lost_words(self, facts: HostFacts, images: Images) -> tuple[str, ...]:
        line, origin = stored_line(facts, images)
        if line is None:
            return () if self._unproven else (f"the stored command line cannot be read again ({origin})",)
        lost = [word for word in wanted_words(self._plan) if not line.has(word)]
        stayed = [word for word in _removed(self._plan) if line.has(word)]
        found = [f"{word} is not on the stored command line ({origin})" for word in lost]
        return (*found, *(f"{word} is still on the stored command line ({origin})" for word in stayed))

    def _drivers(self, kernel: KernelPrediction) -> dict[str, str | None]:
        functions = self._plan.bind.functions
        return {str(one.address): one.driver for one in kernel.functions if one.address in functions}


def boots_next(kernels: tuple[InstalledKernel, ...]) -> frozenset[str]:
    """The newest, which every loader starts unless told otherwise, and the one that runs now."""
    newest = {kernels[-1].release} if kernels else set()
    return frozenset(newest | {one.release for one in kernels if one.running})


def wanted_words(plan: Plan) -> tuple[str, ...]:
    """What the command line must hold once the plan is made so, whether it was there before or not."""
    return tuple(one.word for one in plan.wanted_here())


def _removed(plan: Plan) -> list[str]:
    return [one.word for one in plan.remove]


def with_line(facts: HostFacts, line: Kargs) -> HostFacts:
    """The same machine, with this command line stored for its next boot."""
    boot = facts.boot._replace(configured=line, configured_origin="the planned command line")
    return facts._replace(boot=boot)


def _with_line(image: InitramfsImage | Unread | None, line: Kargs) -> InitramfsImage | Unread | None:
    if isinstance(image, InitramfsImage) and isinstance(image.cmdline, str):
        return image._replace(cmdline=str(line))
    return image


def stored_line(facts: HostFacts, images: Images) -> tuple[Kargs | None, str]:
    """What the next boot gets and where it was read; a unified image's own line goes before all others."""
    for kernel in reversed(known(facts.kernels, ())):
        image = images.get(kernel.release)
        if isinstance(image, InitramfsImage) and isinstance(image.cmdline, str):
            return Kargs.parse(image.cmdline), f"{image.path}:.cmdline"
    stored = facts.boot.configured
    if isinstance(stored, Unread):
        return None, stored.reason
    return stored, facts.boot.configured_origin


def boot_id(host: RootHost) -> str | None:
    """Which boot this is; a new one after every reboot."""
    text = host.text(BOOT_ID)
    return None if isinstance(text, Unread) else text


def _function(facts: HostFacts, address: PciAddress) -> Json:
    seen = facts.function(address)
    identity = None if seen is None or isinstance(seen.id, Unread) else str(seen.id)
    cls = None if seen is None or isinstance(seen.cls, Unread) else str(seen.cls)
    return {"address": str(address), "id": identity, "class": cls}


def _image(release: str, image: InitramfsImage | Unread | None) -> Json:
    if not isinstance(image, InitramfsImage):
        return {"release": release, "path": None}
    return {
        "release": release,
        "path": image.path,
        "size": image.size,
        "mtime": known(image.mtime, None),
        "vfio": "vfio_pci" in image.modules or "vfio_pci" in known(image.builtin, frozenset()),
        "early": any(one.module == "vfio_pci" for one in image.early),
    }
