#include "render/rate_note.hpp"

#include <algorithm>
#include <string>

#include "poolcpuid/policy_registers.hpp"

namespace poolcpuid::render {

void note_rate(const TargetInput& input, std::string_view how, Rendering& rendering) {
    const PolicyRegisters guest(input.policy);
    for (const FieldIndex index : input.rules.fields()) {
        const Field& field = input.rules.rulebook()[index];
        if (field.rates.empty() || guest.value(field) == 0) continue;
        const std::string id(field.id);
        const bool is_lost = std::any_of(rendering.inexpressible.begin(), rendering.inexpressible.end(),
                                         [&](const Inexpressible& lost) { return lost.field == id; });
        if (is_lost) continue;
        rendering.notes.push_back(
            "With " + id +
            " the guest counts on one rate wherever it runs, which a VM that is to be moved needs "
            "pinned to one that all its hosts have or can scale to. " +
            std::string(how));
    }
}

}  // namespace poolcpuid::render
