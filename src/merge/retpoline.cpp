#include "merge/retpoline.hpp"

#include "merge/table_values.hpp"

namespace poolcpuid::merge {

namespace {

template <typename Body>
void for_both(const Plan& plan, const RetpolineBits& group, const Body& body) {
    for (const FieldIndex index : {group.rsba, group.rrsba}) {
        const Field& field = plan.rulebook()[index];
        const auto word = plan.find_word(place_of(field, field.subleaf_first));
        body(*word, field.mask());
    }
}

}  // namespace

void join_bad_news(const Plan& plan, const RetpolineBits& group, HostPromises& host) {
    bool broken = false;
    bool unknown = false;
    bool modelled = false;
    bool silent = false;  // not only because a microcode that is not known decides
    for_both(plan, group, [&](std::size_t word, std::uint64_t bit) {
        const bool is_unknown = (host.unknown[word] & bit) != 0;
        unknown = unknown || is_unknown;
        silent = silent || (is_unknown && (host.by_microcode[word] & bit) == 0);
        broken = broken || (!is_unknown && (host.atoms.words[word] & bit) == 0);
        modelled = modelled || (host.modelled[word] & bit) != 0;
    });
    for_both(plan, group, [&](std::size_t word, std::uint64_t bit) {
        if (broken || unknown) host.atoms.words[word] &= ~bit;
        if (broken) host.unknown[word] &= ~bit;
        if (!broken && unknown) host.unknown[word] |= bit;
        if (!broken && unknown && !silent) host.by_microcode[word] |= bit;
        if (modelled) host.modelled[word] |= bit;
    });
}

}  // namespace poolcpuid::merge
