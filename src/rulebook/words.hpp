// The words that a rulebook may use, in one place for lint and flatten.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "poolcpuid/rulebook.hpp"

namespace poolcpuid::rulebook {

template <typename Enum, std::size_t Size>
using Words = std::array<std::pair<std::string_view, Enum>, Size>;

inline constexpr Words<Rule, 11> rule_words{{{"intersect", Rule::intersect},
                                             {"union", Rule::union_},
                                             {"min", Rule::min},
                                             {"max", Rule::max},
                                             {"equal", Rule::equal},
                                             {"guarded", Rule::guarded},
                                             {"group", Rule::group},
                                             {"derive", Rule::derive},
                                             {"identity", Rule::identity},
                                             {"owned", Rule::owned},
                                             {"hide", Rule::hide}}};

inline constexpr Words<Exposure, 3> exposure_words{
    {{"default", Exposure::shown}, {"asked", Exposure::asked}, {"never", Exposure::never}}};

inline constexpr Words<Impact, 5> impact_words{{{"crash", Impact::crash},
                                                {"security", Impact::security},
                                                {"wrong-result", Impact::wrong_result},
                                                {"performance", Impact::performance},
                                                {"cosmetic", Impact::cosmetic}}};

inline constexpr Words<Makers, 2> maker_words{{{"some", Makers::some}, {"all", Makers::all}}};

inline constexpr Words<Derivation, 14> derivation_words{{{"max_leaf", Derivation::max_leaf},
                                                         {"max_subleaf", Derivation::max_subleaf},
                                                         {"copy_bits", Derivation::copy_bits},
                                                         {"select", Derivation::select},
                                                         {"constant", Derivation::constant},
                                                         {"xcr0_low", Derivation::xcr0_low},
                                                         {"xcr0_high", Derivation::xcr0_high},
                                                         {"xss_low", Derivation::xss_low},
                                                         {"xss_high", Derivation::xss_high},
                                                         {"xsave_size", Derivation::xsave_size},
                                                         {"msr_offered", Derivation::msr_offered},
                                                         {"vmx_default1", Derivation::vmx_default1},
                                                         {"vmx_cr4_fixed1", Derivation::vmx_cr4_fixed1},
                                                         {"vmx_vmcs_enum", Derivation::vmx_vmcs_enum}}};

inline constexpr Words<XsaveState, 3> xsave_state_words{
    {{"legacy", XsaveState::legacy}, {"user", XsaveState::user}, {"supervisor", XsaveState::supervisor}}};

inline constexpr std::array<std::string_view, 5> name_keys{"vendor", "linux", "qemu", "libvirt", "xen"};

template <typename Enum, std::size_t Size>
constexpr std::optional<Enum> parse_word(const Words<Enum, Size>& words, std::string_view word) noexcept {
    for (const auto& [text, value] : words) {
        if (text == word) return value;
    }
    return std::nullopt;
}

template <typename Enum, std::size_t Size>
constexpr std::string_view word_of(const Words<Enum, Size>& words, Enum value) noexcept {
    for (const auto& [text, candidate] : words) {
        if (candidate == value) return text;
    }
    return {};
}

}  // namespace poolcpuid::rulebook
