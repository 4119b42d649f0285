#include "compare/split_score.hpp"

#include <algorithm>
#include <bit>
#include <tuple>

#include "merge/msr_findings.hpp"
#include "promises/openness.hpp"
#include "rulebook/claims.hpp"

namespace poolcpuid::compare {

namespace {

std::uint64_t weight_of(Impact impact) noexcept {
    const auto* const row = std::find_if(impact_weights.begin(), impact_weights.end(),
                                         [&](const ImpactWeight& entry) { return entry.impact == impact; });
    return row->weight;
}

}  // namespace

Score& Score::operator+=(const Score& other) noexcept {
    errors += other.errors;
    kept += other.kept;
    pools += other.pools;
    return *this;
}

bool Score::beats(const Score& other) const noexcept {
    return std::tie(errors, other.kept, pools) < std::tie(other.errors, kept, other.pools);
}

VendorScorer::VendorScorer(const promises::VendorRules& rules, std::size_t vendor) : rules_(rules), vendor_(vendor) {
    const Rulebook& rulebook = rules.rulebook();
    std::map<std::pair<std::size_t, std::uint64_t>, std::uint64_t> masks;  // by word and weight
    for (const FieldIndex index : rules.fields()) {
        const Field& field = rulebook[index];
        if (!promises::promises_by_bits(field.rule) || field.rule == Rule::guarded) continue;
        if (field.exposure != Exposure::shown) continue;
        for (std::uint32_t subleaf = field.subleaf_first; subleaf <= field.subleaf_last; ++subleaf) {
            if (const auto word = rules.find_word(promises::place_of(field, subleaf))) {
                masks[{*word, weight_of(field.impact)}] |= field.mask();
            }
        }
    }
    for (const auto& [key, mask] : masks) weighed_.push_back({key.first, mask, key.second});
    for (std::size_t i = 0; i < rulebook.xsave.size(); ++i) {
        if (rulebook.xsave[i].state == XsaveState::legacy) continue;  // its features are there without XSAVE
        for (const FieldIndex index : rulebook.xsave[i].features) {
            const Field& field = rulebook[index];
            if (const auto word = rules.find_word(promises::place_of(field, field.subleaf_first))) {
                states_.push_back({i, *word, field.mask()});
            }
        }
    }
    for (const Model& model : rulebook.models) {
        for (const std::string_view id : model.inferred) immunities_.emplace(id, immunities_.size());
        for (const std::string_view id : model.unaware) not_sought_.emplace(id, not_sought_.size());
    }
    for (const CpuFamily& family : rulebook.families) {
        for (const std::string_view id : family.inferred) immunities_.emplace(id, immunities_.size());
    }
}

// Of a CPU of which nothing is known guests infer nothing that is safe.
std::bitset<256> VendorScorer::inferred_on(const promises::Silicon& silicon) const {
    std::bitset<256> inferred;
    for (const std::string_view tag : rulebook::beliefs_on(silicon.model, silicon.family).inferred) {
        inferred.set(immunities_.at(tag) % inferred.size());
    }
    return inferred;
}

Meet VendorScorer::of(const promises::HostPromises& host, std::size_t count) const {
    Meet pool;
    pool.vendor = vendor_;
    pool.hosts = count;
    pool.words = host.atoms.words;
    for (std::size_t w = 0; w < pool.words.size(); ++w) pool.words[w] &= ~host.implied[w];
    for (const XsaveComponent& component : rules_.rulebook().xsave) {
        pool.components.push_back(host.atoms.components[component.bit]);
    }
    for (std::size_t i = 0; i < rules_.guards().size(); ++i) {
        const promises::GuardSlot& slot = rules_.guards()[i];
        const std::uint64_t bit = std::uint64_t{1} << i;
        if ((host.atoms.scrubs & bit) == 0 && !merge::is_unknown_msr(rules_, host, slot.field, slot.subleaf)) {
            pool.lost_scrubs |= bit;
        }
    }
    pool.inferred = inferred_on(host.silicon);
    for (const promises::Silicon& silicon : host.other_silicon) pool.inferred &= inferred_on(silicon);
    pool.lender = rulebook::lender_rank(host.silicon.model);
    if (host.silicon.model != nullptr) {
        for (const std::string_view id : host.silicon.model->unaware) pool.unaware.set(not_sought_.at(id));
    }
    for (const auto& [id, number] : not_sought_) pool.open.set(number, promises::may_be_open_to(rules_, host, id));
    return pool;
}

void VendorScorer::meet(Meet& pool, const Meet& other) const noexcept {
    pool.hosts += other.hosts;
    for (std::size_t w = 0; w < pool.words.size(); ++w) pool.words[w] &= other.words[w];
    for (std::size_t c = 0; c < pool.components.size(); ++c) {
        if (pool.components[c] != other.components[c]) pool.components[c] = {};
    }
    pool.lost_scrubs |= other.lost_scrubs;
    pool.inferred &= other.inferred;
    pool.open |= other.open;
    if (other.lender == pool.lender) {
        pool.unaware &= other.unaware;
    } else if (other.lender < pool.lender) {
        pool.lender = other.lender;
        pool.unaware = other.unaware;
    }
}

std::uint64_t VendorScorer::kept(const Meet& pool) const noexcept {
    std::uint64_t sum = 0;
    const auto count = [](std::uint64_t bits) { return static_cast<std::uint64_t>(std::popcount(bits)); };
    for (const Weighed& entry : weighed_) sum += entry.weight * count(pool.words[entry.word] & entry.mask);
    // What needs a state that is gone goes with it.
    std::map<std::size_t, std::uint64_t> gone;
    for (const StateBits& entry : states_) {
        const std::uint64_t bits = pool.words[entry.word] & entry.mask;
        if (!pool.components[entry.component].promised && bits != 0) gone[entry.word] |= bits;
    }
    if (gone.empty()) return sum;
    for (const Weighed& entry : weighed_) {
        const auto at = gone.find(entry.word);
        if (at != gone.end()) sum -= entry.weight * count(at->second & entry.mask);
    }
    return sum;
}

std::size_t VendorScorer::errors(const Meet& pool) const noexcept {
    std::size_t count = 0;
    for (std::size_t i = 0; i < rules_.guards().size(); ++i) {
        if (((pool.lost_scrubs >> i) & 1U) == 0) continue;
        const promises::GuardSlot& slot = rules_.guards()[i];
        const auto value_of = [&](FieldIndex index, std::uint32_t subleaf) {
            const Field& field = rules_.rulebook()[index];
            const auto word = rules_.find_word(promises::place_of(field, subleaf));
            return word ? rules_.words()[*word].value_of(pool.words[*word]) & field.mask() : 0;
        };
        if (rules_.asks_for_scrub(slot, value_of)) ++count;
    }
    // From the identity that is chosen guests infer the least, and still more than is so on each host.
    const bool infers_too_much = pool.lender != rulebook::LenderRank{} && pool.inferred.count() < pool.lender.inferred;
    if (infers_too_much || (pool.unaware & pool.open).any()) ++count;
    return count;
}

}  // namespace poolcpuid::compare
