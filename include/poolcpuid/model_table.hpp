// The model table of the rulebook: what is known of a CPU by its family, model and stepping, whatever its dump shows.
#pragma once

#include <cstdint>
#include <limits>

#include "poolcpuid/rulebook_data.hpp"
#include "poolcpuid/rulebook_field.hpp"

namespace poolcpuid {

// What a field is on the silicon of a model, whatever a view shows.
struct SiliconFact {
    FieldIndex field = no_field;
    std::uint32_t value = 0;
};

// What a field is on that silicon with certain microcode: the facts hold for from <= revision < below.
struct MicrocodeFacts {
    std::uint32_t from = 0;
    std::uint32_t below = std::numeric_limits<std::uint32_t>::max();
    List<SiliconFact> silicon;
    bool recalled = false;       // its vendor took it back: a host whose revision is not known is not taken to have it
    bool spares_guests = false;  // not so in a guest; kernels take the field from their host, and so from guests

    constexpr bool hold_with(std::uint32_t revision) const noexcept { return from <= revision && revision < below; }
};

struct NumberRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;
};

struct Model {
    VendorMask vendors = 0;
    std::uint16_t family = 0;     // displayed family: base plus extended
    List<NumberRange> models;     // displayed models
    List<NumberRange> steppings;  // empty: all
    Text name;
    Text microarchitecture;
    std::uint32_t generation = 0;  // orders models of a vendor by age
    List<SiliconFact> silicon;
    List<MicrocodeFacts> microcode;  // no two hold with one revision; fields that silicon has not
    List<Text> immune;               // what the silicon is immune to
    List<Text> inferred;             // immunities that guests infer from family and model
    List<Text> reported;             // likewise, where guests that knew better would do no more than say so
    List<Text> unaware;              // what guests that are shown this family do not look for
    List<Text> beyond_software;      // against what guests do by software alone is not enough here, as on older models
    Text source;
};

// What guests make of any CPU of a family, for those of which the model table has no row.
struct CpuFamily {
    VendorMask vendors = 0;
    std::uint16_t family = 0;  // displayed family: base plus extended
    List<Text> inferred;       // immunities that guests infer from the family alone
    List<Text> unaware;        // what guests that are shown this family do not look for
    Text source;
};

}  // namespace poolcpuid
