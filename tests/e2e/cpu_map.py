"""libvirt's cpu_map, read for the tests, which must not take the program's word for what stands in it.

    map = CpuMap(directory())
    map.features["avx2"]                  # {(7, 0, "ebx"): 0x20}
    map.models["Haswell"].features        # {"aes", "avx", ...}

A place is (leaf, subleaf, register), or (index, None, "msr") with the 64 bits of an MSR.
"""

import os
import pathlib
import xml.etree.ElementTree as ElementTree

from guest import REGISTERS

INSTALLED = "/usr/share/libvirt/cpu_map"


def directory():
    """$POOLCPUID_CPU_MAP, else where Debian installs it; None where there is none."""
    path = pathlib.Path(os.environ.get("POOLCPUID_CPU_MAP", INSTALLED))
    return path if (path / "index.xml").exists() else None


class Model:
    def __init__(self, vendor="", signatures=(), features=(), removed=()):
        self.vendor = vendor
        self.signatures = list(signatures)  # (family, model, steppings)
        self.features = set(features)
        self.removed = set(removed)


def steppings(text):
    numbers = set()
    for part in (text or "0-15").split(","):
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return numbers


class CpuMap:
    def __init__(self, path):
        self.path, self.features, self.models, self.vendors = pathlib.Path(path), {}, {}, {"": ""}
        arch, = (arch for arch in ElementTree.parse(self.path / "index.xml").getroot() if arch.get("name") == "x86")
        for include in arch.iter("include"):
            for element in ElementTree.parse(self.path / include.get("filename")).getroot():
                {"vendor": self.read_vendor, "feature": self.read_feature, "model": self.read_model}[element.tag](element)

    def read_vendor(self, element):
        self.vendors[element.get("name")] = element.get("string")

    def read_feature(self, element):
        places = self.features[element.get("name")] = {}
        for cpuid in element.iter("cpuid"):
            for register in REGISTERS:
                if register in cpuid.attrib:
                    leaf = int(cpuid.get("eax_in"), 16), int(cpuid.get("ecx_in", "0"), 16), register
                    places[leaf] = int(cpuid.get(register), 16)
        for msr in element.iter("msr"):
            places[int(msr.get("index"), 16), None, "msr"] = int(msr.get("edx"), 16) << 32 | int(msr.get("eax"), 16)

    def read_model(self, element):
        ancestor = element.find("model")
        base = self.models[ancestor.get("name")] if ancestor is not None else Model()
        model = Model(base.vendor, base.signatures, base.features, base.removed)
        if element.find("vendor") is not None:
            model.vendor = self.vendors[element.find("vendor").get("name")]
        if element.find("signature") is not None:
            model.signatures = [(int(entry.get("family")), int(entry.get("model")), steppings(entry.get("stepping")))
                                for entry in element.findall("signature")]
        for feature in element.findall("feature"):
            (model.removed if feature.get("removed") == "yes" else model.features).add(feature.get("name"))
        self.models[element.get("name")] = model

    def names_at(self, place, bit):
        """The names that are this bit alone."""
        return {name for name, places in self.features.items() if places == {place: 1 << bit}}

    def msr_features(self):
        return {name for name, places in self.features.items() if any(register == "msr" for *_, register in places)}

    def has(self, name, value_at):
        """True when value_at(place) has every bit of the feature."""
        return all(value_at(place) & mask == mask for place, mask in self.features[name].items())
