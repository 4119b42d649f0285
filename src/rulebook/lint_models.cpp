// Lint of the model table: numbers, facts and microcode revisions of its rows.
#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/hex.hpp"
#include "rulebook/lint_context.hpp"
#include "rulebook/words.hpp"

namespace poolcpuid::rulebook {

namespace {

class ModelLinter : LintContext {
public:
    explicit ModelLinter(const LintContext& context) : LintContext(context) {}

    void run() {
        for (const SourceModel& model : source_.models) {
            check_vendors(model.place, model.name, {model.vendor});
            if (model.vendor == all_vendors) report(model.place, model.name, "a model is of one vendor");
            if (model.models.empty()) report(model.place, model.name, "no model numbers");
            if (model.source.empty()) report(model.place, model.name, "no source");
            check_facts(model.place, model, model.silicon);
            check_microcode(model);
            check_vulnerabilities(model.place, model.name, model.inferred);
            check_vulnerabilities(model.place, model.name, model.reported);
            check_vulnerabilities(model.place, model.name, model.unaware);
            check_vulnerabilities(model.place, model.name, model.beyond_software);
            check_beyond_software(model);
        }
        for (const SourceFamily& family : source_.families) check_family(family);
        for (std::size_t i = 0; i < source_.models.size(); ++i) {
            for (std::size_t j = i + 1; j < source_.models.size(); ++j)
                check_model_pair(source_.models[i], source_.models[j]);
        }
    }

private:
    // A fact widens a relaxed behaviour or settles its absence, takes a false promise away, or says that
    // VERW scrubs: other fields have no use for one.
    void check_facts(const Place& place, const SourceModel& model, const std::map<std::string, std::uint32_t>& facts) {
        for (const auto& [id, value] : facts) {
            const SourceField* field = find(id);
            if (field == nullptr) {
                report(place, model.name, "unknown field \"" + id + "\"");
                continue;
            }
            const auto rule = parse_word(rule_words, field->rule);
            const bool of_use = rule == Rule::union_ || rule == Rule::group ||
                                (rule == Rule::intersect && value == 0) || (rule == Rule::guarded && value == 1);
            if (rule && !of_use) {
                report(place, model.name,
                       "\"" + id + "\" is of the rule " + field->rule +
                           ", not union or group, nor intersect with 0x0 or guarded with 0x1");
            }
            if (!field->vendors.empty() && !shares_vendor(field->vendors, {model.vendor})) {
                report(place, model.name, "\"" + id + "\" is no field of " + model.vendor);
            }
            const unsigned width = field->bits.high - field->bits.low + 1U;
            if (width < 32 && value >> width != 0) report(place, model.name, "the value of \"" + id + "\" is too wide");
        }
    }

    // One that was taken back may have facts beside those that hold with it and others, of other fields.
    static bool exclude_each_other(const SourceMicrocode& one, const SourceMicrocode& other) {
        return one.recalled == other.recalled ||
               std::any_of(one.silicon.begin(), one.silicon.end(),
                           [&](const auto& fact) { return other.silicon.contains(fact.first); });
    }

    void check_microcode(const SourceModel& model) {
        std::vector<std::pair<MicrocodeFacts, const SourceMicrocode*>> seen;
        for (const SourceMicrocode& entry : model.microcode) {
            const auto say = [&](std::string message) { report(entry.place, model.name, std::move(message)); };
            MicrocodeFacts range;
            range.from = entry.from.value_or(range.from);
            range.below = entry.below.value_or(range.below);
            if (!entry.from && !entry.below) {
                say("a microcode without \"from\" and \"below\"");
            } else if (range.from >= range.below) {
                say("no microcode is at once from and below these revisions");
            } else if (std::any_of(seen.begin(), seen.end(), [&](const auto& other) {
                           return other.first.from < range.below && range.from < other.first.below &&
                                  exclude_each_other(*other.second, entry);
                       })) {
                say("these microcodes overlap those of an entry before");
            } else {
                seen.emplace_back(range, &entry);
            }
            if (entry.silicon.empty()) say("a microcode without facts");
            check_facts(entry.place, model, entry.silicon);
            for (const auto& [id, value] : entry.silicon) {
                const SourceField* field = find(id);
                if (entry.spares_guests && field != nullptr && field->rule != "intersect") {
                    say("\"" + id + "\" is of the rule " + field->rule + "; kernels take only promises from guests");
                }
                if (model.silicon.contains(id)) {
                    say("\"" + id + "\" is a fact of the model already, whatever the microcode");
                }
            }
        }
    }

    void check_vulnerabilities(const Place& place, const std::string& owner, const std::vector<std::string>& ids) {
        for (const std::string& id : ids) {
            if (!vulnerabilities_.contains(id)) report(place, owner, "unknown vulnerability \"" + id + "\"");
        }
    }

    void check_family(const SourceFamily& family) {
        const std::string owner = family.vendor + " family " + to_hex(family.family);
        const auto say = [&](const char* message) { report(family.place, owner, message); };
        check_vendors(family.place, owner, {family.vendor});
        if (family.vendor == all_vendors) say("a family is of one vendor");
        if (family.source.empty()) say("no source");
        if (family.inferred.empty() && family.unaware.empty()) say("nothing is said of the family");
        check_vulnerabilities(family.place, owner, family.inferred);
        check_vulnerabilities(family.place, owner, family.unaware);
        const auto is_same = [&](const SourceFamily& other) {
            return other.vendor == family.vendor && other.family == family.family;
        };
        const auto first = std::find_if(source_.families.begin(), source_.families.end(), is_same);
        if (&*first != &family) say("the same family as an entry before");
    }

    // It says what to miss a mitigation means on this model.
    void check_beyond_software(const SourceModel& model) {
        for (const std::string& id : model.beyond_software) {
            const auto is_for_it = [&](const SourceField& field) {
                return field.missed && shares_vendor(field.vendors, {model.vendor}) &&
                       std::find(field.mitigation.begin(), field.mitigation.end(), id) != field.mitigation.end();
            };
            const bool is_known = vulnerabilities_.contains(id);
            if (!is_known || std::any_of(source_.fields.begin(), source_.fields.end(), is_for_it)) continue;
            report(model.place, model.name, "no field is missed that is a mitigation of \"" + id + "\"");
        }
    }

    void check_model_pair(const SourceModel& a, const SourceModel& b) {
        const auto any_overlap = [](const std::vector<NumberRange>& x, const std::vector<NumberRange>& y) {
            if (x.empty() || y.empty()) return true;
            return std::any_of(x.begin(), x.end(), [&](const NumberRange& r) {
                return std::any_of(y.begin(), y.end(),
                                   [&](const NumberRange& s) { return r.first <= s.last && s.first <= r.last; });
            });
        };
        if (a.vendor == b.vendor && a.family == b.family && any_overlap(a.models, b.models) &&
            any_overlap(a.steppings, b.steppings)) {
            report(b.place, b.name, "the same models as " + a.name);
        }
    }
};

}  // namespace

void lint_models(const LintContext& context) { ModelLinter(context).run(); }

}  // namespace poolcpuid::rulebook
