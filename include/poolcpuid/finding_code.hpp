// The codes of findings, by which scripts know them. docs/findings.md says of each what it means and what to do, and
// docs/plan.md what those of a plan say.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <concepts>
#include <optional>
#include <string_view>

namespace poolcpuid {

// Every code of a policy's finding, and of a note on a dump, which becomes one. Sorted; never renamed once released.
inline constexpr std::array finding_codes = std::to_array<std::string_view>({
    "address-width-differs",
    "asked-of-hardware",
    "core-types-missing",
    "cpuid-hidden",
    "cpus-differ",
    "cpus-missing",
    "guest-rows",
    "hidden-by-hypervisor",
    "hyperv-root",
    "microcode-unknown",
    "msr-absent",
    "msr-not-constant",
    "msrs-unknown",
    "no-hypervisor-view",
    "no-safe-identity",
    "outlier",
    "partial-host",
    "rate-not-one",
    "rows-beyond-maximum",
    "skipped-host",
    "subleaf-unknown",
    "syscall-read-in-32-bit-mode",
    "truncated",
    "unclassified-bit",
    "unknown-leaf",
    "unknown-model",
    "value-assumed",
    "verw-promise-lost",
    "virtual-machine",
    "xsave-layout-conflict",
    "xsave-layout-documented",
    "xsave-not-permitted",
});

// Every code of a plan's finding, which says what cannot be known of a change of hosts. Sorted and kept likewise.
inline constexpr std::array plan_finding_codes = std::to_array<std::string_view>({
    "former-dump-gone",
    "may-have-changed",
    "may-have-joined",
    "unnamed-hosts-gone",
});

// One of either: any other word does not compile. A Finding has a plain string, for a document of another version may
// have other codes.
class FindingCode {
public:
    consteval FindingCode(const char* word) : word_(word) {
        if (std::find(finding_codes.begin(), finding_codes.end(), word_) == finding_codes.end() &&
            std::find(plan_finding_codes.begin(), plan_finding_codes.end(), word_) == plan_finding_codes.end()) {
            throw "neither finding_codes nor plan_finding_codes has this word";
        }
    }

    // The one of finding_codes that is this word, or nothing: a plan is written, and never read back.
    static constexpr std::optional<FindingCode> find(std::string_view word) noexcept {
        const auto at = std::find(finding_codes.begin(), finding_codes.end(), word);
        if (at == finding_codes.end()) return std::nullopt;
        return FindingCode(*at);
    }

    constexpr operator std::string_view() const noexcept { return word_; }

    // With anything that is a word: a code, a literal, a string.
    template <std::convertible_to<std::string_view> Word>
    friend bool operator==(const FindingCode& code, const Word& other) noexcept {
        return code.word_ == std::string_view(other);
    }
    friend std::strong_ordering operator<=>(const FindingCode&, const FindingCode&) = default;

private:
    explicit constexpr FindingCode(std::string_view word) noexcept : word_(word) {}

    std::string_view word_;
};

}  // namespace poolcpuid
