// The codes of findings, by which scripts know them, and how severe each is. docs/findings.md says of each what it
// means and what to do, and docs/plan.md what those of a plan say.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>

namespace poolcpuid {

enum class Severity : std::uint8_t { error, warning, note };

// "error", "warning", "note".
std::string_view to_string(Severity severity) noexcept;

// A code and its severity. A note costs the policy nothing by itself: what it leaves unknown another finding tells of,
// where something is lost by that.
struct FindingKind {
    std::string_view code;
    std::optional<Severity> severity;  // nothing: who finds it says, by what it costs
};

inline constexpr std::optional<Severity> by_case = std::nullopt;

// Every code of a policy's finding, and of a note on a dump, which becomes one. Sorted; never renamed once released.
inline constexpr std::array finding_kinds = std::to_array<FindingKind>({
    {"address-width-differs", Severity::warning},
    {"asked-of-hardware", Severity::warning},
    {"core-types-missing", Severity::warning},
    {"cpuid-hidden", Severity::warning},
    {"cpus-differ", Severity::warning},
    {"cpus-missing", Severity::note},
    {"guest-rows", Severity::note},
    {"hidden-by-hypervisor", Severity::warning},
    {"hyperv-root", Severity::note},
    {"hypervisor-silent", Severity::note},
    {"microcode-unknown", Severity::warning},
    {"mitigation-not-enough", Severity::warning},
    {"msr-absent", by_case},
    {"msr-not-constant", Severity::note},
    {"msrs-unknown", by_case},
    {"no-hypervisor-view", Severity::note},
    {"no-safe-identity", Severity::error},
    {"outlier", by_case},
    {"partial-host", Severity::warning},
    {"rate-not-one", Severity::warning},
    {"rows-beyond-maximum", Severity::note},
    {"skipped-host", Severity::error},
    {"subleaf-unknown", Severity::note},
    {"syscall-read-in-32-bit-mode", Severity::note},
    {"truncated", Severity::warning},
    {"unclassified-bit", Severity::note},
    {"unknown-leaf", Severity::warning},
    {"unknown-model", Severity::warning},
    {"value-assumed", Severity::warning},
    {"verw-promise-lost", Severity::error},
    {"views-contradict", Severity::warning},
    {"virtual-machine", Severity::note},
    {"xsave-layout-conflict", Severity::warning},
    {"xsave-layout-documented", Severity::note},
    {"xsave-not-permitted", Severity::warning},
});

// Every code of a plan's finding, which says what cannot be known of a change of hosts. Sorted and kept likewise.
inline constexpr std::array plan_finding_kinds = std::to_array<FindingKind>({
    {"former-dump-gone", Severity::note},
    {"may-have-changed", Severity::warning},
    {"may-have-joined", Severity::warning},
    {"unnamed-hosts-gone", Severity::warning},
});

// One of either: any other word does not compile. A Finding has a plain string, for a document of another version may
// have other codes.
class FindingCode {
public:
    consteval FindingCode(const char* word) : FindingCode(kind_of(word)) {}

    // The one of finding_kinds that has this code, or nothing: a plan is written, and never read back.
    static constexpr std::optional<FindingCode> find(std::string_view word) noexcept {
        const auto at = std::find_if(finding_kinds.begin(), finding_kinds.end(),
                                     [&](const FindingKind& kind) { return kind.code == word; });
        if (at == finding_kinds.end()) return std::nullopt;
        return FindingCode(*at);
    }

    constexpr operator std::string_view() const noexcept { return kind_->code; }

    // Nothing where it is by case.
    constexpr std::optional<Severity> severity() const noexcept { return kind_->severity; }

    // With anything that is a word: a code, a literal, a string.
    template <std::convertible_to<std::string_view> Word>
    friend bool operator==(const FindingCode& code, const Word& other) noexcept {
        return code.kind_->code == std::string_view(other);
    }
    friend constexpr std::strong_ordering operator<=>(const FindingCode& a, const FindingCode& b) noexcept {
        return a.kind_->code <=> b.kind_->code;
    }

private:
    explicit constexpr FindingCode(const FindingKind& kind) noexcept : kind_(&kind) {}

    static consteval const FindingKind& kind_of(std::string_view word) {
        for (const FindingKind& kind : finding_kinds) {
            if (kind.code == word) return kind;
        }
        for (const FindingKind& kind : plan_finding_kinds) {
            if (kind.code == word) return kind;
        }
        throw "neither finding_kinds nor plan_finding_kinds has this word";
    }

    const FindingKind* kind_;  // of one of the two tables
};

}  // namespace poolcpuid
