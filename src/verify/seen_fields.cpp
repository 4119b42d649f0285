#include "verify/seen_fields.hpp"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "base/hex.hpp"
#include "compare/told.hpp"
#include "poolcpuid/diff.hpp"

namespace poolcpuid::verify {

namespace {

using promises::VendorRules;

constexpr const char* never_shown = "The guest sees what a policy never shows.";

std::string meaning_of_other(const Field& field) {
    switch (field.rule) {
        case Rule::identity: return "The guest sees another CPU than the pool's other hosts show it.";
        case Rule::derive: return "The guest reads what does not follow from the rest of the policy.";
        case Rule::hide: return never_shown;
        case Rule::owned: return "The guest reads what the policy does not let the VMM fill in.";
        default: break;
    }
    return std::string("The guest goes by another value than the pool's: it ") + compare::trouble(field.impact) + ".";
}

std::string meaning_of(const compare::Told& told, Telling shows) {
    switch (shows) {
        case Telling::more: return compare::meaning_of_more(told, told.field->impact);
        case Telling::less: return compare::meaning_of_less(told, told.field->impact);
        case Telling::otherwise:
        case Telling::unknown: break;
    }
    return meaning_of_other(*told.field);
}

class FieldList {
public:
    explicit FieldList(const VendorRules& rules) : rules_(rules) {}

    void add(const WrongBits& wrong) {
        std::uint64_t rest = wrong.bits;
        for (const FieldIndex index : rules_.fields()) {
            const Field& field = rules_.rulebook()[index];
            const std::uint32_t subleaf = wrong.place.key.subleaf;
            const bool is_there = promises::place_of(field, subleaf) == wrong.place && field.is_in_subleaf(subleaf);
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
    static SeenField seen_at(const WrongBits& wrong, const BitPlace& place) {
        SeenField seen;
        seen.place = place;
        seen.policy = to_hex(place.part_of(wrong.policy));
        seen.seen = to_hex(place.part_of(wrong.seen));
        return seen;
    }

    void add_field(FieldIndex index, const WrongBits& wrong) {
        const Field& field = rules_.rulebook()[index];
        SeenField seen = seen_at(wrong, field.place(wrong.place.key.subleaf));
        const compare::Told told{&field, rules_.is_inverted(index), seen.place.part_of(wrong.policy),
                                 seen.place.part_of(wrong.seen)};
        seen.field = field.id;
        seen.rule = to_string(field.rule);
        seen.shows = compare::telling_of(told);
        seen.impact = field.impact;
        seen.meaning = meaning_of(told, seen.shows);
        fields_.push_back(std::move(seen));
    }

    void add_strays(const WrongBits& wrong, std::uint64_t bits) {
        for (const BitPlace& run : wrong.place.runs_of(bits)) {
            SeenField seen = seen_at(wrong, run);
            seen.field = stray_change;
            seen.meaning = never_shown;
            fields_.push_back(std::move(seen));
        }
    }

    const VendorRules& rules_;
    std::vector<SeenField> fields_;
};

}  // namespace

std::vector<SeenField> seen_fields(const VendorRules& rules, const std::vector<WrongBits>& wrong) {
    FieldList fields(rules);
    for (const WrongBits& bits : wrong) fields.add(bits);
    return std::move(fields).sorted();
}

}  // namespace poolcpuid::verify
