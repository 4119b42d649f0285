// Rows of invented CPUs in the words of the text dump formats, and what reading them gives.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "dump/reader.hpp"
#include "poolcpuid/error.hpp"

namespace poolcpuid::test {

using Reader = HostDump (*)(const dump::Source&);

// The message of the InputError that reading text throws; empty when it throws none.
inline std::string refusal_of(Reader read, std::string_view text) {
    try {
        read({text, "host"});
    } catch (const InputError& error) {
        return error.what();
    }
    return {};
}

inline const CpuidTable& table_of(const HostDump& host, std::size_t cpu = 0) {
    return host.hardware.value().cpus.at(cpu).cpuid;
}

// The row for a key, or zeros: what a guest of the table would read.
inline Registers value_of(const HostDump& host, LeafKey key, std::size_t cpu = 0) {
    const Registers* value = table_of(host, cpu).find(key);
    return value == nullptr ? Registers{} : *value;
}

inline bool has_note(const HostDump& host, std::string_view code) {
    return std::any_of(host.notes.begin(), host.notes.end(), [&](const DumpNote& note) { return note.code == code; });
}

inline std::string note_text(const HostDump& host, std::string_view code) {
    for (const DumpNote& note : host.notes) {
        if (note.code == code) return note.message;
    }
    return {};
}

inline std::string hex8(std::uint32_t value) {
    std::string text(8, '0');
    for (std::size_t i = 8; i-- > 0; value >>= 4U) text[i] = "0123456789ABCDEF"[value & 0xFU];
    return text;
}

// An InstLatx64 row with "\n"; annotation comes before it.
inline std::string aida(std::uint32_t leaf, const Registers& value, const std::string& annotation = "") {
    return "CPUID " + hex8(leaf) + ": " + hex8(value.eax) + "-" + hex8(value.ebx) + "-" + hex8(value.ecx) + "-" +
           hex8(value.edx) + annotation + "\n";
}

// The same with a label: "[SL 0B]".
inline std::string aida_sub(std::uint32_t leaf, std::uint32_t subleaf, const Registers& value) {
    return aida(leaf, value, " [SL " + hex8(subleaf).substr(6) + "]");
}

// Leaf 0 of an Intel or AMD CPU with the given maximum basic leaf.
inline Registers intel_signature(std::uint32_t maximum) { return {maximum, 0x756E6547, 0x6C65746E, 0x49656E69}; }
inline Registers amd_signature(std::uint32_t maximum) { return {maximum, 0x68747541, 0x444D4163, 0x69746E65}; }

// Leaf 1 with nothing in it that announces another leaf, and with XSAVE.
inline constexpr Registers plain_leaf_1{0x00050654, 0x00100800, 0x00000001, 0x00000010};
inline constexpr Registers xsave_leaf_1{0x00050654, 0x00100800, 0x04000001, 0x00000010};

// A whole InstLatx64 CPU of an Intel host: leaves 0 to 3, and more rows.
inline std::string aida_cpu(std::uint32_t maximum, const std::string& more = "",
                            const Registers& features = plain_leaf_1) {
    return aida(0, intel_signature(maximum)) + aida(1, features) + aida(2, {0x76036301, 0, 0, 0}) + aida(3, {}) + more;
}

}  // namespace poolcpuid::test
