#include "promises/retpoline_group.hpp"

namespace poolcpuid::promises {

namespace {

template <typename Body>
void for_both(const VendorRules& rules, const RetpolineBits& group, const Body& body) {
    for (const FieldIndex index : {group.rsba, group.rrsba}) {
        const Field& field = rules.rulebook()[index];
        const auto word = rules.find_word(index, field.subleaf_first);
        body(*word, field.mask());
    }
}

}  // namespace

void join_bad_news(const VendorRules& rules, const RetpolineBits& group, HostPromises& host) {
    bool broken = false;
    bool unknown = false;
    bool modelled = false;
    bool silent = false;  // not only because a microcode that is not known decides
    for_both(rules, group, [&](std::size_t word, std::uint64_t bit) {
        const bool is_unknown = (host.unknown[word] & bit) != 0;
        unknown = unknown || is_unknown;
        silent = silent || (is_unknown && (host.by_microcode[word] & bit) == 0);
        broken = broken || (!is_unknown && (host.atoms.words[word] & bit) == 0);
        modelled = modelled || (host.modelled[word] & bit) != 0;
    });
    for_both(rules, group, [&](std::size_t word, std::uint64_t bit) {
        if (broken || unknown) host.atoms.words[word] &= ~bit;
        if (broken) host.unknown[word] &= ~bit;
        if (!broken && unknown) host.unknown[word] |= bit;
        if (!broken && unknown && !silent) host.by_microcode[word] |= bit;
        if (modelled) host.modelled[word] |= bit;
    });
}

}  // namespace poolcpuid::promises
