// A CPUID table made of names of features: what a name says is known, and all else unknown.
//
// /proc/cpuinfo, lscpu, libvirt and QEMU tell of features by names, not by registers. Which bit a name means is said by
// the rulebook of the program, whatever --rulebook says: names are facts, as the shapes of dumps are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::dump {

// Whose names they are.
enum class Tongue : std::uint8_t { linux_kernel, qemu, libvirt, rulebook };

// Who says so. A kernel's names of the CPU are also of what it makes itself: of the CPU those say nothing. Of what it
// gives to guests, and where a program has read a register itself, each name is that of a bit.
enum class Speaker : std::uint8_t { of_cpu, of_guests, of_registers };

class NamedFeatures {
public:
    NamedFeatures(Tongue tongue, Speaker speaker) noexcept : tongue_(tongue), speaker_(speaker) {}

    // Leaf 0's vendor string. False for one that the rulebook does not know: what a name means depends on the vendor,
    // so that it comes first.
    bool set_vendor(std::string_view vendor);

    // EAX of leaf 1, made of family, model and stepping as displayed (SDM vol. 2A, CPUID; APM vol. 3, E.3.2). Throws
    // nothing; false when they do not fit.
    bool set_signature(std::uint64_t family, std::uint64_t model, std::uint64_t stepping);

    // True for a name that means a bit of this vendor's CPUID. Logarithmic in the names.
    bool knows(std::string_view name) const { return fields_.contains(name); }

    // The bit that a name means, or nullptr: it means none of this vendor's CPUID, or several. Logarithmic.
    const Field* find(std::string_view name) const;

    // True where a longer name begins with this one. Logarithmic.
    bool begins_another(std::string_view name) const;

    // What a name says: nothing where it means no bit of this vendor's CPUID, as those of MSRs do not. Logarithmic in
    // the names.
    void set(std::string_view name, bool value);

    // The CPU runs 64-bit guests: what none of them can do without is there (SDM vol. 1, 10 and 11; APM vol. 1, 1.2).
    void set_long_mode();

    // The number that a field of several bits, by its id in the rulebook, holds. What does not fit says nothing.
    void set_number(std::string_view id, std::uint32_t value);

    // What QEMU shows every guest, whatever the CPU: lines of 64 bytes for CLFLUSH (target/i386 cpu_x86_cpuid, case 1;
    // `fixed` of policy/targets/qemu.json, which would have to be parsed for each host).
    void set_constants_of_qemu();

    // Bits of a register, as a word of a featureset has them.
    void set_register(LeafKey key, Register reg, std::uint32_t value);

    // The table. All leaves of the rulebook are unknown but for what was set.
    CpuidTable finish() const;

private:
    struct Known {
        Registers value;
        Registers bits;
    };

    std::string_view name_of(const Field& field) const;
    void set_bits(const Field& field, std::uint32_t bits);

    Tongue tongue_;
    Speaker speaker_;
    std::multimap<std::string_view, const Field*> fields_;  // of the vendor, by their names in this tongue
    std::map<LeafKey, Known> rows_;
};

// Calls body with each word of a list that blanks separate.
template <typename Body>
void for_each_word(std::string_view list, const Body& body) {
    constexpr std::string_view blanks = " \t\n";
    for (std::size_t at = list.find_first_not_of(blanks); at != std::string_view::npos;) {
        const std::size_t end = list.find_first_of(blanks, at);
        body(list.substr(at, end - at));
        at = list.find_first_not_of(blanks, end);
    }
}

// A decimal number that is all of text, or nothing.
std::optional<std::uint32_t> decimal_of(std::string_view text) noexcept;

// Notes of a partial host how much of it is known.
void note_partial(HostDump& host);

}  // namespace poolcpuid::dump
