"""What a guest shows against its policy, bit by bit."""

from guest import REGISTERS

# Leaves that belong to hypervisors (SDM vol. 2A, CPUID): the VMM's, whatever a policy says.
HYPERVISOR_LEAVES = range(0x40000000, 0x50000000)


def bits(text):
    """(mask, low bit) of "7" or "15:8"."""
    high, low = (int(part) for part in (text.split(":") * 2)[:2])
    return ((1 << (high - low + 1)) - 1) << low, low


def subleaves(text):
    first, last = (int(part, 16) for part in (text.split("-") * 2)[:2])
    return range(first, last + 1)


def policy_rows(policy):
    return {(int(row["leaf"], 16), int(row["subleaf"], 16)): {reg: int(row[reg], 16) for reg in REGISTERS}
            for row in policy["cpuid"]}


def owned_mask(policy, leaf, subleaf, reg):
    """The bits of a register that the policy leaves to the VMM and the guest."""
    mask = 0
    for place in policy["owned"]:
        if "msr" not in place and int(place["leaf"], 16) == leaf and place["register"] == reg \
                and subleaf in subleaves(place["subleaf"]):
            mask |= bits(place["bits"])[0]
    return mask


def expected_rows(policy, inexpressible):
    """The policy's rows with what is listed put in place of its bits, and a mask of the bits of which the list
    says "unknown", by (leaf, subleaf, register)."""
    rows = policy_rows(policy)
    unknown = {}
    for entry in inexpressible:
        if "msr" in entry:
            continue
        leaf, subleaf, reg = int(entry["leaf"], 16), int(entry["subleaf"], 16), entry["register"]
        mask, low = bits(entry["bits"])
        if entry["instead"] == "unknown":
            unknown[leaf, subleaf, reg] = unknown.get((leaf, subleaf, reg), 0) | mask
            continue
        row = rows.setdefault((leaf, subleaf), dict.fromkeys(REGISTERS, 0))
        row[reg] = row[reg] & ~mask | int(entry["instead"], 16) << low
    return rows, unknown


def differences(policy, inexpressible, seen):
    """Where a guest's rows differ from the policy, outside of what the VMM owns and of the list: one text each."""
    rows, unknown = expected_rows(policy, inexpressible)
    texts = []
    for leaf, subleaf in sorted(rows.keys() | seen.keys()):
        if leaf in HYPERVISOR_LEAVES:
            continue
        for reg in REGISTERS:
            want = rows.get((leaf, subleaf), {}).get(reg, 0)
            got = seen.get((leaf, subleaf), {}).get(reg, 0)
            ignored = owned_mask(policy, leaf, subleaf, reg) | unknown.get((leaf, subleaf, reg), 0)
            if (want ^ got) & ~ignored:
                texts.append(f"{leaf:#x}.{subleaf:#x} {reg}: expected {want:#010x}, seen {got:#010x}")
    return texts
