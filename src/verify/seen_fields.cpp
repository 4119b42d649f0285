#include "verify/seen_fields.hpp"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "base/hex.hpp"
#include "compare/change_words.hpp"
#include "poolcpuid/diff.hpp"

namespace poolcpuid::verify {

namespace {

using merge::Plan;
using merge::RegisterPlace;

constexpr const char* never_shown = "The guest sees what a policy never shows.";

Shows shows_number(const Field& field, std::uint64_t policy, std::uint64_t seen) {
    // Where 0 stands for another number the greater one is not the stronger.
    const bool is_comparable = !field.zero_has_meaning || (policy != 0 && seen != 0);
    if (field.rule == Rule::equal || !is_comparable) return Shows::other;
    const bool is_weaker = field.rule == Rule::min ? seen < policy : seen > policy;
    return is_weaker ? Shows::less : Shows::more;
}

Shows shows_of(const Plan& plan, FieldIndex index, std::uint64_t policy, std::uint64_t seen) {
    const Field& field = plan.rulebook()[index];
    if (merge::promises_by_number(field.rule)) return shows_number(field, policy, seen);
    if (!merge::promises_by_bits(field.rule)) return Shows::other;
    const std::uint64_t gained = plan.is_inverted(index) ? policy & ~seen : seen & ~policy;
    return gained != 0 ? Shows::more : Shows::less;
}

std::string then(const char* sentence, Impact impact) { return sentence + std::string(diff::trouble(impact)) + "."; }

std::string meaning_of_more(const Plan& plan, FieldIndex index) {
    const Field& field = plan.rulebook()[index];
    if (field.rule == Rule::guarded) return then("The guest is not told to run VERW: ", field.impact);
    if (plan.is_inverted(index)) return then("The guest is not told of what is so in the pool: ", field.impact);
    if (merge::promises_by_number(field.rule)) {
        return then("The guest counts on a limit that need not hold where it moves: ", field.impact);
    }
    return then("The guest uses what need not be there where it moves: ", field.impact);
}

std::string meaning_of_less(const Plan& plan, FieldIndex index) {
    const Field& field = plan.rulebook()[index];
    if (field.rule == Rule::guarded) return "The guest is told to run VERW without need.";
    if (plan.is_inverted(index)) return "The guest does without a behaviour that it could rely on.";
    if (merge::promises_by_number(field.rule)) return "The guest keeps to a tighter limit than the pool's.";
    if (field.impact == Impact::security) return "The guest does without a protection that the policy promises.";
    return "The guest does without what the policy promises.";
}

std::string meaning_of_other(const Field& field) {
    switch (field.rule) {
        case Rule::identity: return "The guest sees another CPU than the pool's other hosts show it.";
        case Rule::derive: return "The guest reads what does not follow from the rest of the policy.";
        case Rule::hide: return never_shown;
        case Rule::owned: return "The guest reads what the policy does not let the VMM fill in.";
        default: return then("The guest goes by another value than the pool's: ", field.impact);
    }
}

std::string meaning_of(const Plan& plan, FieldIndex index, Shows shows) {
    switch (shows) {
        case Shows::more: return meaning_of_more(plan, index);
        case Shows::less: return meaning_of_less(plan, index);
        case Shows::other: break;
    }
    return meaning_of_other(plan.rulebook()[index]);
}

// The part of a register between two bits, shifted down.
std::uint64_t part(const BitPlace& place, std::uint64_t value) { return (value & place.mask()) >> place.low; }

class FieldList {
public:
    explicit FieldList(const Plan& plan) : plan_(plan) {}

    void add(const WrongBits& wrong) {
        std::uint64_t rest = wrong.bits;
        for (const FieldIndex index : plan_.fields()) {
            const Field& field = plan_.rulebook()[index];
            const std::uint32_t subleaf = wrong.place.key.subleaf;
            const bool is_there = merge::place_of(field, subleaf) == wrong.place && field.is_in_subleaf(subleaf);
            if (!is_there || (field.mask() & wrong.bits) == 0) continue;
            add_field(index, wrong);
            rest &= ~field.mask();
        }
        add_strays(wrong, rest);
    }

    std::vector<SeenField> sorted() && {
        const auto key = [](const SeenField& f) { return std::tie(f.shows, f.impact, f.place, f.field); };
        std::sort(fields_.begin(), fields_.end(),
                  [&](const SeenField& a, const SeenField& b) { return key(a) < key(b); });
        return std::move(fields_);
    }

private:
    static SeenField seen_at(const WrongBits& wrong, unsigned low, unsigned high) {
        SeenField seen;
        const LeafKey key = wrong.place.key;
        seen.place = {wrong.place.is_msr,
                      key.leaf,
                      key.subleaf,
                      key.subleaf,
                      wrong.place.reg,
                      static_cast<std::uint8_t>(low),
                      static_cast<std::uint8_t>(high)};
        seen.policy = to_hex(part(seen.place, wrong.policy));
        seen.seen = to_hex(part(seen.place, wrong.seen));
        return seen;
    }

    void add_field(FieldIndex index, const WrongBits& wrong) {
        const Field& field = plan_.rulebook()[index];
        SeenField seen = seen_at(wrong, field.low, field.high);
        seen.field = field.id;
        seen.rule = to_string(field.rule);
        seen.shows = shows_of(plan_, index, part(seen.place, wrong.policy), part(seen.place, wrong.seen));
        seen.impact = field.impact;
        seen.meaning = meaning_of(plan_, index, seen.shows);
        fields_.push_back(std::move(seen));
    }

    void add_strays(const WrongBits& wrong, std::uint64_t bits) {
        for (unsigned low = 0; low < 64; ++low) {
            if ((bits >> low & 1U) == 0) continue;
            unsigned high = low;
            while (high < 63 && (bits >> (high + 1) & 1U) == 1) ++high;
            SeenField seen = seen_at(wrong, low, high);
            seen.field = stray_change;
            seen.meaning = never_shown;
            fields_.push_back(std::move(seen));
            low = high;
        }
    }

    const Plan& plan_;
    std::vector<SeenField> fields_;
};

}  // namespace

std::vector<SeenField> seen_fields(const Plan& plan, const std::vector<WrongBits>& wrong) {
    FieldList fields(plan);
    for (const WrongBits& bits : wrong) fields.add(bits);
    return std::move(fields).sorted();
}

}  // namespace poolcpuid::verify
