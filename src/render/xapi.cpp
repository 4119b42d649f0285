// XAPI's featureset: the words of Xen's public featureset in their order, in hexadecimal, joined by "-".
//
// It holds feature bits alone. Identity, numbers and leaves without a word are Xen's to choose.
#include <algorithm>

#include "render/subleaves.hpp"
#include "render/targets.hpp"
#include "render/xen_words.hpp"
#include "text/hex.hpp"

namespace poolcpuid::render {

namespace {

constexpr const char* no_word = "A featureset has no word for it: Xen takes the value of the host.";

bool is_in(const std::vector<FeatureWord>& words, const Field& field, std::uint32_t subleaf) {
    return std::any_of(words.begin(), words.end(), [&](const FeatureWord& word) {
        const DataPlace& place = word.place;
        return place.is_msr == field.is_msr && place.leaf_first == field.leaf &&
               (field.is_msr || (place.subleaf_first == subleaf && place.registers.front() == field.reg)) &&
               (place.mask() & field.mask()) == field.mask();
    });
}

// A value that Xen takes from the host, or computes from the features, and that then is the policy's: every host
// of the pool has it.
bool is_alike_everywhere(const Field& field) {
    if (field.rule == Rule::equal) return true;
    switch (field.derive.how) {
        case Derivation::none:
        case Derivation::max_leaf:
        case Derivation::max_subleaf: return false;
        default: return true;
    }
}

}  // namespace

Rendering render_xapi(const TargetInput& input) {
    const json::Value data = target_document("xen");
    const std::vector<FeatureWord> words = feature_words(data);
    Rendering rendering;
    for (const FeatureWord& word : words) {
        const std::string digits = to_hex(value_of(input.policy, word), 8).substr(2);
        rendering.output += (rendering.output.empty() ? "" : "-") + digits;
    }
    rendering.output += "\n";
    rendering.version = "the " + std::to_string(words.size()) + " words of Xen's featureset up to " + words.back().name;

    GuestView view(input.plan, input.policy);
    for (const FieldIndex index : input.plan.fields()) {
        const Field& field = input.plan.rulebook()[index];
        if (is_alike_everywhere(field)) continue;
        for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
            if (view.promised(field, subleaf) != 0 && !is_in(words, field, subleaf)) {
                view.forget(field, subleaf, no_word);
            }
        }
    }
    for (const FixedBits& bits : fixed_bits(data)) view.apply(bits);
    rendering.inexpressible = view.differences();
    rendering.notes.push_back(
        "Xen clamps the featureset to what its build and the host can give: an older Xen ignores words beyond those "
        "that it knows.");
    return rendering;
}

}  // namespace poolcpuid::render
