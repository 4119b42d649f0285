#include "rulebook/lint_models.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "poolcpuid/rulebook.hpp"
#include "rulebook/words.hpp"

namespace poolcpuid::rulebook {

namespace {

class ModelLinter {
public:
    ModelLinter(const SourceRulebook& source, const FieldsById& fields, std::vector<LintFinding>& findings)
        : source_(source), fields_(fields), findings_(findings) {}

    void run() {
        for (const SourceModel& model : source_.models) {
            if (model.models.empty()) report(model.place, model.name, "no model numbers");
            if (model.source.empty()) report(model.place, model.name, "no source");
            check_facts(model.place, model, model.silicon);
            check_microcode(model);
        }
        for (std::size_t i = 0; i < source_.models.size(); ++i) {
            for (std::size_t j = i + 1; j < source_.models.size(); ++j)
                check_model_pair(source_.models[i], source_.models[j]);
        }
    }

private:
    void report(const Place& place, const std::string& model, std::string message) {
        findings_.push_back({place.file, place.line, model, std::move(message)});
    }

    const SourceField* find(const std::string& id) const {
        const auto at = fields_.find(id);
        return at == fields_.end() ? nullptr : at->second;
    }

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

    void check_microcode(const SourceModel& model) {
        std::vector<MicrocodeFacts> seen;
        for (const SourceMicrocode& entry : model.microcode) {
            const auto say = [&](std::string message) { report(entry.place, model.name, std::move(message)); };
            MicrocodeFacts range;
            range.from = entry.from.value_or(range.from);
            range.below = entry.below.value_or(range.below);
            if (!entry.from && !entry.below) {
                say("a microcode without \"from\" and \"below\"");
            } else if (range.from >= range.below) {
                say("no microcode is at once from and below these revisions");
            } else if (std::any_of(seen.begin(), seen.end(), [&](const MicrocodeFacts& other) {
                           return other.from < range.below && range.from < other.below;
                       })) {
                say("these microcodes overlap those of an entry before");
            } else {
                seen.push_back(range);
            }
            if (entry.silicon.empty()) say("a microcode without facts");
            check_facts(entry.place, model, entry.silicon);
            for (const auto& [id, value] : entry.silicon) {
                if (model.silicon.contains(id)) {
                    say("\"" + id + "\" is a fact of the model already, whatever the microcode");
                }
            }
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

    const SourceRulebook& source_;
    const FieldsById& fields_;
    std::vector<LintFinding>& findings_;
};

}  // namespace

void lint_models(const SourceRulebook& source, const FieldsById& fields, std::vector<LintFinding>& findings) {
    ModelLinter(source, fields, findings).run();
}

bool shares_vendor(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    const auto has_all = [](const std::vector<std::string>& v) {
        return std::find(v.begin(), v.end(), "all") != v.end();
    };
    if (has_all(a) || has_all(b)) return true;
    return std::any_of(a.begin(), a.end(),
                       [&](const std::string& vendor) { return std::find(b.begin(), b.end(), vendor) != b.end(); });
}

}  // namespace poolcpuid::rulebook
