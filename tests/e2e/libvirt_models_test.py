"""Policies on each CPU model of libvirt's cpu_map: no bit of the policy is disabled, all that the policy lacks is.

The map is $POOLCPUID_CPU_MAP, or the one that is installed. It is read here a second time, so that the program is not
asked what stands in it. The pools are those of examples/, and those of ../shared/cases/policies where that is there.
"""

import concurrent.futures
import json
import os
import pathlib
import unittest
import xml.etree.ElementTree as ElementTree

import cpu_map
import poolcpuid
from guest import REPOSITORY
from policies import EXAMPLES, example_policy

GIVEN = pathlib.Path(os.environ.get("POOLCPUID_SHARED", REPOSITORY.parent / "shared"))
SHARED, CORPUS = GIVEN / "cases/policies", GIVEN / "corpus"
# Models of the map that no QEMU has (query-cpu-definitions of 7.2, 10.0 and 11.1).
GONE = {"Icelake-Client", "Icelake-Client-noTSX", "cpu64-rhel5", "cpu64-rhel6", "pentiumpro"}
NO_POLICY = 4
FS_GS_BASE_NS, VERW_CLEAR = ((0x80000021, 0, "eax"), 1), ((0x80000021, 0, "eax"), 5)
FAMILY_6_SIGNATURES_BY_AGE = [0x55, 0x6A, 0x8F, 0xCF, 0xAD]  # Skylake-SP to Granite Rapids


class Policy:
    def __init__(self, path):
        self.path, self.name = path, path.stem
        self.document = json.loads(path.read_text())
        self.owned = poolcpuid.owned_bits(self.document)
        self.rows = poolcpuid.rows_of_policy(self.document)
        self.msrs = {int(row["index"], 16): int(row["value"], 16) for row in self.document["msrs"]}

    def value_at(self, place):
        leaf, subleaf, register = place
        return self.msrs.get(leaf, 0) if register == "msr" else self.rows.get((leaf, subleaf), {}).get(register, 0)

    def is_owned(self, places):
        return all(register != "msr" and self.owned.at(leaf, subleaf, register)[0] & mask == mask
                   for (leaf, subleaf, register), mask in places.items())


def policies():
    return [Policy(path) for path in [*map(example_policy, EXAMPLES), *sorted(SHARED.glob("*.json"))]]


class Element:
    """A rendered <cpu>."""

    def __init__(self, policy, map_directory, *options):
        self.rendering = json.loads(poolcpuid.run("render", "--to", "libvirt", policy.path, "--cpu-map", map_directory,
                                                  "--format", "json", *options))
        self.root = ElementTree.fromstring(self.rendering["output"])
        self.model = self.root.findtext("model")
        self.all = [feature.get("name") for feature in self.root.iter("feature")]
        self.required, self.disabled = ({feature.get("name") for feature in self.root.iter("feature")
                                         if feature.get("policy") == kind} for kind in ("require", "disable"))


class LibvirtModelsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.map = cpu_map.CpuMap(cpu_map.directory())
        cls.names_of_bits = {}
        for name, places in cls.map.features.items():
            if len(places) == 1 and (mask := next(iter(places.values()))).bit_count() == 1:
                cls.names_of_bits.setdefault((next(iter(places)), mask), set()).add(name)

    def check(self, policy, model):
        element = Element(policy, self.map.path, "--base", model)
        at = f"{policy.name} on {model}"
        self.assertEqual(element.model, model)
        self.assertEqual(len(element.all), len(set(element.all)), at)
        self.assertLessEqual(element.required | element.disabled, self.map.features.keys() | {"hypervisor"}, at)
        self.assertEqual(len(element.all), len(element.required | element.disabled), at)
        self.assertEqual(sorted(child.tag for child in element.root if child.tag != "feature"),
                         ["maxphysaddr", "model", "vendor"], at)

        of_policy = [name for name in element.disabled for place, mask in self.map.features[name].items()
                     if policy.value_at(place) & mask]
        self.assertEqual(of_policy, [], f"{at}: disabled, and the policy's")
        base = self.map.models[model]
        left = [name for name in base.features | base.removed if not self.map.has(name, policy.value_at)
                and name not in element.disabled and not policy.is_owned(self.map.features[name])]
        self.assertEqual(left, [], f"{at}: the model's and not the policy's, and not disabled")
        of_others = [name for name in element.required - {"hypervisor"}
                     if not self.map.has(name, policy.value_at)]
        self.assertEqual(of_others, [], f"{at}: required, and not the policy's")
        unsaid = [names for (place, mask), names in self.names_of_bits.items()
                  if policy.value_at(place) & mask and not names & element.required]
        self.assertEqual(unsaid, [], f"{at}: the policy's, named in the map, and not required")

    def test_every_model_as_the_base_of_every_pool(self):
        pairs = [(policy, model) for policy in policies() for model in self.map.models]
        self.assertGreater(len(pairs), 0)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as workers:
            for _ in workers.map(lambda pair: self.check(*pair), pairs):
                pass
        print(f"{len(pairs)} pairs of a pool and a model of {self.map.path}")


class CasesTest(unittest.TestCase):
    """Pools of ../shared on which the program was wrong once."""

    @classmethod
    def setUpClass(cls):
        if not SHARED.is_dir():
            raise unittest.SkipTest(f"no {SHARED}")
        cls.map = cpu_map.CpuMap(cpu_map.directory())

    def element(self, name):
        return Element(Policy(SHARED / f"{name}.json"), self.map.path)

    def test_an_announcement_is_required_where_the_map_names_it(self):
        for name, (place, bit) in (("turin", FS_GS_BASE_NS), ("mp", VERW_CLEAR)):
            with self.subTest(pool=name):
                names, element = self.map.names_at(place, bit), self.element(name)
                self.assertLessEqual(names, element.required)
                field = {FS_GS_BASE_NS: "fs_gs_base_ns", VERW_CLEAR: "verw_clear"}[place, bit]
                lost = [entry for entry in element.rendering["inexpressible"] if entry["field"] == field]
                self.assertEqual(bool(lost), not names)

    def test_skylake_sp_gets_a_model_for_its_stepping(self):
        signatures = self.map.models[self.element("skx").model].signatures
        self.assertTrue(any((family, model) == (6, 0x55) and 4 in steppings for family, model, steppings in signatures))

    def test_emerald_rapids_gets_a_model_that_exists_and_is_no_newer(self):
        chosen = self.element("emr").model
        self.assertFalse(chosen.startswith("Icelake-Client"))
        family, model, _ = self.map.models[chosen].signatures[0]
        self.assertEqual(family, 6)
        self.assertIn(model, FAMILY_6_SIGNATURES_BY_AGE[:FAMILY_6_SIGNATURES_BY_AGE.index(0xCF) + 1])
        if "SapphireRapids" in self.map.models:
            self.assertEqual(chosen, "SapphireRapids")

    def test_no_host_of_the_corpus_gets_a_model_that_no_qemu_has(self):
        def chosen(dump):
            try:
                policy = poolcpuid.run("merge", dump, "--format", "json")
            except AssertionError as error:
                self.assertIn(f"ended with {NO_POLICY}", str(error))  # a CPU without long mode, say
                return None
            return ElementTree.fromstring(poolcpuid.run("render", "--to", "libvirt", "-", "--cpu-map", self.map.path,
                                                        stdin=policy)).findtext("model")
        dumps = [dump for source in ("instlatx64", "libcpuid", "libvirt", "firecracker", "cpuid-r")
                 for dump in sorted((CORPUS / source).iterdir())]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as workers:
            models = dict(zip(dumps, workers.map(chosen, dumps)))
        self.assertGreater(len(models), 0)
        self.assertEqual({dump: model for dump, model in models.items() if model in GONE}, {})


if __name__ == "__main__":
    if cpu_map.directory() is None:
        poolcpuid.skip(f"no cpu_map in {cpu_map.INSTALLED}, and none in $POOLCPUID_CPU_MAP")
    poolcpuid.main()
