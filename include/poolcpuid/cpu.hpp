// Which CPU it is: what people call the silicon behind a family, model and stepping.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "poolcpuid/host_dump.hpp"
#include "poolcpuid/rulebook.hpp"

namespace poolcpuid {

// A CPU as the model table knows it.
struct Cpu {
    std::string name;               // "Rome, Castle Peak"; empty: the model table has no row for it
    std::string microarchitecture;  // "Zen 2"; likewise
    std::uint16_t family = 0;       // displayed, as in Signature
    std::uint16_t model = 0;
    std::uint16_t stepping = 0;

    friend auto operator<=>(const Cpu&, const Cpu&) = default;
};

// The CPU of a vendor (an index into Rulebook::vendors; nothing: one that the rulebook does not know). Linear in the
// model table.
Cpu cpu_of(const Rulebook& rulebook, std::optional<std::size_t> vendor, const Signature& signature);

// The CPU that a table describes, or nothing where it does not show the signature.
std::optional<Cpu> cpu_of(const Rulebook& rulebook, const CpuidTable& table);

// "Rome": the first of its names, by which people group hosts; "family 23, model 49" for one that the model table does
// not know.
std::string short_text(const Cpu& cpu);

// "Rome, Castle Peak (family 23, model 49, stepping 0)".
std::string full_text(const Cpu& cpu);

}  // namespace poolcpuid
