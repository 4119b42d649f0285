#include "dump/flag_order.hpp"

#include <algorithm>
#include <array>
#include <compare>
#include <optional>

#include "dump/line_reader.hpp"

namespace poolcpuid::dump {

namespace {

// Where Linux prints a flag: the words of x86_capability one after the other, and each from its lowest bit.
struct FlagPlace {
    unsigned word = 0;
    unsigned bit = 0;

    friend auto operator<=>(const FlagPlace&, const FlagPlace&) = default;
};

struct FlagWord {
    LeafKey key;
    Register reg = Register::eax;
    unsigned word = 0;
};

// arch/x86/include/asm/cpufeatures.h. Without leaf 6 and 8000000Ah, of which older kernels print flags elsewhere.
constexpr std::array flag_words{
    FlagWord{{0x1, 0}, Register::edx, 0},         FlagWord{{0x80000001, 0}, Register::edx, 1},
    FlagWord{{0x1, 0}, Register::ecx, 4},         FlagWord{{0xC0000001, 0}, Register::edx, 5},
    FlagWord{{0x80000001, 0}, Register::ecx, 6},  FlagWord{{0x7, 0}, Register::ebx, 9},
    FlagWord{{0xD, 1}, Register::eax, 10},        FlagWord{{0x7, 1}, Register::eax, 12},
    FlagWord{{0x80000008, 0}, Register::ebx, 13}, FlagWord{{0x7, 0}, Register::ecx, 16},
    FlagWord{{0x80000007, 0}, Register::ebx, 17}, FlagWord{{0x7, 0}, Register::edx, 18},
    FlagWord{{0x8000001F, 0}, Register::eax, 19}, FlagWord{{0x80000021, 0}, Register::eax, 20},
};

std::optional<FlagPlace> place_of(std::string_view flag, const NamedFeatures& names) {
    const Field* field = names.find(flag);
    if (field == nullptr) return std::nullopt;
    const auto* const word = std::find_if(flag_words.begin(), flag_words.end(), [&](const FlagWord& each) {
        return each.key == LeafKey{field->leaf, field->subleaf_first} && each.reg == field->reg;
    });
    if (word == flag_words.end()) return std::nullopt;
    return FlagPlace{word->word, field->low};
}

}  // namespace

std::string_view without_cut_flag(std::string_view flags, const NamedFeatures& names) {
    flags = trim(flags);
    const std::size_t begin = flags.find_last_of(" \t") + 1;
    const std::string_view last = flags.substr(begin);
    const auto place = place_of(last, names);
    if (!place || !names.begins_another(last)) return flags;
    std::optional<FlagPlace> before;
    for_each_word(flags.substr(0, begin), [&](std::string_view flag) {
        if (const auto found = place_of(flag, names)) before = found;
    });
    return before && *place <= *before ? flags.substr(0, begin) : flags;
}

}  // namespace poolcpuid::dump
