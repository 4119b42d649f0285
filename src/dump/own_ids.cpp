#include "dump/own_ids.hpp"

#include <algorithm>

#include "dump/leaf_shapes.hpp"

namespace poolcpuid::dump {

bool equal_but_ids(const CpuidRow& one, const CpuidRow& other) noexcept {
    if (one == other) return true;
    if (one.key != other.key) return false;
    const Registers ids = own_ids(one.key.leaf);
    Registers rest = one.value;
    for (const Register reg : all_registers) {
        if (((one.value[reg] ^ other.value[reg]) & ~ids[reg]) != 0) return false;
        rest[reg] &= ~ids[reg];
    }
    return !rest.all_zero() || !has_subleaves(one.key.leaf);
}

bool equal_but_ids(const CpuidTable& one, const CpuidTable& other) noexcept {
    const auto equal_rows = [](const CpuidRow& a, const CpuidRow& b) { return equal_but_ids(a, b); };
    return one.unknown == other.unknown && one.unknown_bits == other.unknown_bits &&
           std::equal(one.rows.begin(), one.rows.end(), other.rows.begin(), other.rows.end(), equal_rows);
}

}  // namespace poolcpuid::dump
