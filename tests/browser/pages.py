"""Pages to look at: made by the program itself from the dumps of examples/, in a directory that is gone afterwards."""

import json
import os
import pathlib
import subprocess

PROGRAM = os.environ["POOLCPUID_PROGRAM"]
EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"

MARKUP = "<img src=x onerror=alert(1)>"  # as a host's name
POOL = "</title><script>alert(2)</script>"
FINDING = "</p><iframe src='javascript:alert(3)'></iframe> \u202e turned round"


def poolcpuid(*arguments):
    """Runs the program; returns what it printed."""
    return subprocess.run([PROGRAM, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def example_hosts(pool):
    """The hosts of an example pool as documents, without their names, in the order of their names."""
    files = sorted((EXAMPLES / pool / "hosts").iterdir())
    hosts = [json.loads(poolcpuid("convert", file, "--to", "json")) for file in files]
    return [{key: value for key, value in host.items() if key != "name"} for host in hosts]


def set_bits(host, leaf, register, bits):
    """Turns bits of a register in every logical CPU of a host's hardware view."""
    for cpu in host["views"]["hardware"]["cpus"]:
        for row in cpu["cpuid"]:
            if row["leaf"] == leaf and row["subleaf"] == "0x0":
                row[register] = f"0x{int(row[register], 16) ^ bits:08x}"


class Pages:
    """The directory with the pages, the policies and the dumps."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)

    def path(self, name):
        return self.directory / name

    def policy(self, name):
        return json.loads(self.path(name + ".json").read_text())

    def write(self, name, hosts, pool=None, with_hosts=True):
        """Merges hosts (paths) into NAME.json and reports it as NAME.html; returns the page's path."""
        policy, page = self.path(name + ".json"), self.path(name + ".html")
        poolcpuid("merge", "--pool", pool or name, *hosts, "-o", policy)
        poolcpuid("report", policy, "-o", page, *(["--hosts", *hosts] if with_hosts else []))
        return page

    def small(self):
        """Three hosts that are columns with names."""
        return self.write("amd-zen", [EXAMPLES / "amd-zen" / "hosts"])

    def hostile(self):
        """Names, a pool and a finding that try to be markup, and a name that is as long as one can be."""
        hosts = self.path("hostile-hosts.ndjson")
        documents = example_hosts("amd-zen")
        for document, name in zip(documents, [MARKUP, "x" * 255, "\u05d0\u05d1 & \"q\" 'a'"]):
            document["name"] = name
        hosts.write_text("".join(json.dumps(document) + "\n" for document in documents))
        self.write("hostile", [hosts], pool=POOL)
        policy = self.policy("hostile")
        policy["findings"].insert(0, {"severity": "error", "code": "made-up", "message": FINDING, "hosts": [MARKUP], "count": 1})
        policy["decisions"][0]["reason"] = FINDING
        policy["decisions"][0]["rule"] = '" onmouseover="alert(4)'
        self.path("hostile.json").write_text(json.dumps(policy))
        page = self.path("hostile.html")
        poolcpuid("report", self.path("hostile.json"), "-o", page)
        return page

    def numbered(self):
        """Twelve hosts that all differ: too many for columns with names."""
        hosts = []
        for number in range(12):
            document = example_hosts("amd-zen")[number % 3]
            set_bits(document, "0x80000001", "ebx", number + 1)
            hosts.append(self.path(f"node-{number:02}.json"))
            hosts[-1].write_text(json.dumps(document))
        return self.write("numbered", hosts)

    def large(self):
        """2,000 hosts in 200 classes of ten that differ in features, and all in the numbers of columns."""
        directory = self.path("large-hosts")
        directory.mkdir(exist_ok=True)
        documents = example_hosts("amd-zen")
        for number in range(200):
            host = json.loads(json.dumps(documents[number % 3]))
            set_bits(host, "0x80000001", "ebx", number)  # a brand id: 200 values of an identity field
            set_bits(host, "0x7", "ebx", (number // 3 & 7) << 18)  # RDSEED, ADX, SMAP
            text = json.dumps(host)
            for copy in range(10):
                (directory / f"node-{10 * number + copy:04}").write_text(text)
        return self.write("large", [directory])

    def listed_in_part(self):
        """The twelve hosts' policy without the hosts: it lists eight names of a list."""
        page = self.path("part.html")
        poolcpuid("report", self.path("numbered.json"), "-o", page)
        return page
