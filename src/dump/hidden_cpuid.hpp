// What settings of a host hide from its own CPUID.
//
// The firmware can make CPUID deny what the CPU has, for the sake of old systems, and says so in an MSR (`hides` of the
// rulebook; IA32_MISC_ENABLE, SDM vol. 4). What a dump with such a setting denies is not known, for the host may be run
// without it: Linux clears them when it boots. It is the rulebook of whoever asks that says what is hidden.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::dump {

struct HiddenField {
    FieldIndex field = no_field;
    std::uint32_t value = 0;  // that the table shows: of a maximum leaf, above which leaves are hidden

    friend auto operator<=>(const HiddenField&, const HiddenField&) = default;
};

// A setting that hides something.
struct HidingSetting {
    FieldIndex setting = no_field;
    // Where its MSR does not say that it is on: the leaf above the table's maximum that leaf 1 announces; else 0.
    std::uint32_t announced = 0;
    std::vector<HiddenField> fields;  // at least one

    friend auto operator<=>(const HidingSetting&, const HidingSetting&) = default;
};

// The settings that hide something of a table, in the order of the rulebook. msrs are those of its view. Linear in the
// fields of the rulebook.
std::vector<HidingSetting> hiding_settings(const Rulebook& rulebook, const CpuidTable& table,
                                           const std::optional<std::vector<MsrRow>>& msrs);

// The table with what settings of it hide marked as unknown. Linear in the fields of the rulebook for each.
CpuidTable with_hidden_unknown(const Rulebook& rulebook, CpuidTable table, const std::vector<HidingSetting>& settings);

// Which setting hides what, and what to do, in sentences without a host's name.
std::string text_of(const Rulebook& rulebook, const HidingSetting& setting);

// The same as notes on a dump, of the CPU that stands for the host: for who shows dumps and merges none.
std::vector<DumpNote> notes_on_hidden(const Rulebook& rulebook, const HostDump& host);

}  // namespace poolcpuid::dump
