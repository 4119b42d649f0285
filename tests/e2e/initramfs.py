"""The first files of a Linux guest, and the kernel modules that it loads."""

import io
import lzma


def newc(entries):
    """An archive as the kernel takes it (initramfs buffer format): entries are (path, mode, bytes)."""
    archive = io.BytesIO()
    for number, (path, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        name = path.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
        archive.write(b"070701" + b"".join(b"%08X" % field for field in fields) + name)
        archive.write(b"\0" * (-archive.tell() % 4) + data)
        archive.write(b"\0" * (-archive.tell() % 4))
    return archive.getvalue()


def modules_in_order(root, names):
    """The kernel modules of these names, {name: bytes}, each behind those that it needs. Debian compresses them since 13."""
    files = {path.name.split(".")[0].replace("-", "_"): path for path in root.rglob("*.ko*")}
    order = {}

    def add(name):
        if name in order:
            return
        module = files[name].read_bytes()
        if files[name].suffix == ".xz":
            module = lzma.decompress(module)
        needed = next(entry for entry in module.split(b"\0") if entry.startswith(b"depends="))
        for other in needed.removeprefix(b"depends=").decode().split(","):
            if other:
                add(other.replace("-", "_"))
        order[name] = module

    for name in names:
        add(name)
    return order
