#include "rulebook/guest_data.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "rulebook/claims.hpp"
#include "rulebook/entry_parser.hpp"
#include "rulebook/target_parser.hpp"

namespace poolcpuid {

namespace rulebook {

namespace {

constexpr std::string_view vendor_prefix = "vendor:";
constexpr std::string_view told_prefix = "told:";

bool has_number(const std::vector<NumberRange>& ranges, std::uint16_t number) noexcept {
    return ranges.empty() || std::any_of(ranges.begin(), ranges.end(), [&](const NumberRange& range) {
               return range.first <= number && number <= range.last;
           });
}

class GuestParser : TargetParser {
public:
    // named: vulnerabilities that have a name in the rulebook; nullptr where that is not to be checked. rulebook: whose
    // models rows speak of; nullptr in lint, which asks no row for its CPUs.
    GuestParser(const RulebookFile& file, const KnownNames* known, const std::set<std::string>* named,
                const Rulebook* rulebook, std::vector<LintFinding>* findings)
        : TargetParser(file, known, findings), named_(named), rulebook_(rulebook) {}

    GuestData parse() {
        const Value document = json::parse(file_.bytes, file_.path);
        ObjectReader reader(document, file_.path, "a guest");
        data_.id = sentence(reader, "guest");
        if (file_.path != "guests/" + data_.id + ".json") fail(reader.required("guest"), "what the file is called");
        data_.name = sentence(reader, "name");
        sentence(reader, "source");
        reader.optional_string("comment");
        each(reader, "kernels", "a kernel", [&](ObjectReader& entry, const Value& value) { kernel(entry, value); });
        if (data_.kernels.empty()) fail(reader.required("kernels"), "a kernel");
        each(reader, "assumptions", "an assumption", [&](ObjectReader& entry, const Value& value) {
            data_.assumptions.push_back({once(entry, value), sentence(entry, "says"), false});
            kinds_[data_.assumptions.back().id] = GuestTerm::Kind::assumption;
        });
        each(reader, "tables", "a table", [&](ObjectReader& entry, const Value& value) { table(entry, value); });
        each(reader, "facts", "a fact", [&](ObjectReader& entry, const Value& value) { fact(entry, value); });
        each(reader, "vulnerabilities", "a vulnerability",
             [&](ObjectReader& entry, const Value& value) { vulnerability(entry, value); });
        reader.finish();
        return std::move(data_);
    }

private:
    void kernel(ObjectReader& entry, const Value& value) {
        GuestKernel kernel;
        kernel.id = once(entry, value);
        kernel.release = release(entry.required("release"));
        collect("", [&] {
            if (data_.kernels.empty() || kernel.release > data_.kernels.back().release) return;
            fail(entry.required("release"), "a release after that of the kernel before");
        });
        kernel.name = sentence(entry, "name");
        kernel.source = sentence(entry, "source");
        data_.kernels.push_back(std::move(kernel));
    }

    void table(ObjectReader& reader, const Value& value) {
        GuestTable table;
        table.id = once(reader, value);
        sentence(reader, "source");
        std::set<std::string> tags;
        each(reader, "rows", "CPUs", [&](ObjectReader& entry, const Value& row) {
            GuestCpus cpus;
            // First: of a row that cannot be read the tags are known all the same.
            cpus.tags = strings(entry.required_array("tags"));
            for (const std::string& tag : cpus.tags) {
                if (names_.contains(tag)) fail(entry.required("tags"), "tags that are nothing else's name");
                check_no_field(entry.required("tags"), tag);
                tags.insert(tag);
            }
            cpus.releases = releases_of_kernels(entry, row);
            if (const Value* models = entry.optional("beyond_software")) {
                return add_models(*models, cpus, table.rows);
            }
            cpus.vendors = vendors(entry);
            if (const Value* family = entry.optional("family")) cpus.families = number_ranges({*family});
            if (const auto* models = entry.optional_array("models")) cpus.models = number_ranges(*models);
            if (const auto* steppings = entry.optional_array("steppings")) cpus.steppings = number_ranges(*steppings);
            table.rows.push_back(std::move(cpus));
        });
        for (const std::string& tag : tags) {
            names_.insert(tag);
            kinds_[tag] = GuestTerm::Kind::tag;
        }
        data_.tables.push_back(std::move(table));
    }

    // A row for each model of which the model table says that software alone is not enough against what at names.
    void add_models(const Value& at, const GuestCpus& like, std::vector<GuestCpus>& rows) const {
        const std::string& id = string_of(at);
        if (named_ != nullptr && !named_->contains(id)) fail(at, "a vulnerability of rulebook.json");
        if (rulebook_ == nullptr) return;
        for (const Model& model : rulebook_->models) {
            if (!lists(model.beyond_software, id)) continue;
            GuestCpus& row = rows.emplace_back(like);
            for (std::size_t v = 0; v < rulebook_->vendors.size(); ++v) {
                if (((model.vendors >> v) & 1U) != 0) row.vendors.emplace_back(rulebook_->vendors[v].id);
            }
            row.families = {{model.family, model.family}};
            row.models.assign(model.models.begin(), model.models.end());
            row.steppings.assign(model.steppings.begin(), model.steppings.end());
        }
    }

    void fact(ObjectReader& reader, const Value& value) {
        GuestFact fact;
        fact.id = reader.required_string("id");
        fact.releases = releases_of_kernels(reader, value);
        const Value& at = reader.required("id");
        check_no_field(at, fact.id);
        // Beside each other, so that none of them speaks of another by way of a fact between them.
        const bool again = !data_.facts.empty() && data_.facts.back().id == fact.id;
        if (!again && !names_.insert(fact.id).second) fail(at, "a name that is nothing else's");
        for (const GuestFact& other : data_.facts) {
            if (other.id == fact.id && overlap(other.releases, fact.releases)) {
                fail(at, "a fact that no other of that name holds with in one kernel");
            }
        }
        kinds_.erase(fact.id);
        // A fact that cannot be read has its name all the same.
        collect("", [&] { fact.any = condition(reader.required("any"), false); });
        sentence(reader, "source");
        kinds_[fact.id] = GuestTerm::Kind::fact;
        data_.facts.push_back(std::move(fact));
    }

    void vulnerability(ObjectReader& reader, const Value&) {
        GuestVulnerability entry;
        entry.id = reader.required_string("id");
        if (!data_.vulnerabilities.empty() && entry.id <= data_.vulnerabilities.back().id) {
            fail(reader.required("id"), "an id that sorts after the one before");
        }
        if (const std::string* name = reader.optional_string("name")) entry.name = *name;
        if (named_ != nullptr && named_->contains(entry.id) != entry.name.empty()) {
            fail(reader.required("id"), entry.name.empty() ? "a vulnerability of rulebook.json, or a name"
                                                           : "no name: rulebook.json has the vulnerability");
        }
        entry.affected = condition(reader.required("affected"), false);
        if (const Value* on_host = reader.optional("on_host")) entry.on_host = condition(*on_host, true);
        const auto& parts = reader.required_array("says");
        if (parts.empty()) fail(reader.required("says"), "a part");
        for (const Value& part : parts) {
            if (!part.is_array()) fail(part, "an array of phrases");
            std::vector<GuestPhrase> phrases;
            for (const Value& value : part.items()) phrases.push_back(phrase(value, entry.says.empty()));
            if (entry.says.empty()) check_complete(part, phrases);
            entry.says.push_back(std::move(phrases));
        }
        if (reader.optional("why") != nullptr) entry.why = sentence(reader, "why");
        entry.source = sentence(reader, "source");
        data_.vulnerabilities.push_back(std::move(entry));
    }

    GuestPhrase phrase(const Value& value, bool is_first) const {
        ObjectReader reader(value, file_.path, "a phrase");
        GuestPhrase phrase;
        phrase.releases = releases_of_kernels(reader, value);
        if (const Value* when = reader.optional("if")) phrase.condition = condition(*when, false);
        phrase.text = reader.required_string("text");
        if (is_first) {
            phrase.belief = belief_named(reader.required_string("is"));
            if (!phrase.belief || *phrase.belief == Belief::not_affected) {
                fail(reader.required("is"), "mitigated, vulnerable or unknown");
            }
        }
        if (const Value* needs = reader.optional("needs")) phrase.needs = condition(*needs, true);
        reader.finish();
        return phrase;
    }

    // Some phrase of the first part holds, whatever the CPU.
    void check_complete(const Value& part, const std::vector<GuestPhrase>& phrases) const {
        for (const GuestKernel& kernel : data_.kernels) {
            const bool has_last = std::any_of(phrases.begin(), phrases.end(), [&](const GuestPhrase& phrase) {
                return holds_in(phrase.releases, kernel.release) && !phrase.condition;
            });
            if (!has_last) fail(part, "a phrase without \"if\" for " + kernel.id);
        }
    }

    // may_ask_guest: of a host, of which a condition may ask what the guest is told.
    GuestCondition condition(const Value& lists, bool may_ask_guest) const {
        if (!lists.is_array()) fail(lists, "an array of lists of terms");
        GuestCondition result;
        for (const Value& list : lists.items()) {
            if (!list.is_array()) fail(list, "an array of terms");
            if (list.items().empty()) fail(list, "a term");
            auto& terms = result.emplace_back();
            for (const Value& value : list.items()) terms.push_back(term_of(value, may_ask_guest));
        }
        return result;
    }

    GuestTerm term_of(const Value& value, bool may_ask_guest) const {
        std::string_view text = string_of(value);
        GuestTerm result;
        result.negated = text.starts_with('!');
        if (result.negated) text.remove_prefix(1);
        result.told = text.starts_with(told_prefix);
        if (result.told) text.remove_prefix(told_prefix.size());
        if (result.told && !may_ask_guest) fail(value, "told: only where a host is asked");
        result.name = text;
        if (text.starts_with(vendor_prefix)) {
            result.kind = GuestTerm::Kind::vendor;
            result.name = text.substr(vendor_prefix.size());
            TargetParser::check(value, result.name, &KnownNames::vendors, vendor);
        } else if (text == "guest") {
            result.kind = GuestTerm::Kind::guest;
        } else if (const auto kind = kinds_.find(result.name); kind != kinds_.end()) {
            result.kind = kind->second;
        } else {
            TargetParser::check(
                value, result.name, &KnownNames::fields,
                "a field of the rulebook, a tag, a fact before this, an assumption, guest or vendor:ID");
        }
        return result;
    }

    // The id of an entry, which must be nothing else's name.
    std::string once(ObjectReader& reader, const Value&) {
        const std::string& id = reader.required_string("id");
        check_no_field(reader.required("id"), id);
        if (id == "guest" || !names_.insert(id).second) fail(reader.required("id"), "an id that is nothing else's");
        return id;
    }

    void check_no_field(const Value& at, const std::string& name) const {
        if (name == "guest" || (known_ != nullptr && known_->fields.contains(name))) {
            fail(at, "a name that no field of the rulebook has");
        }
    }

    static bool holds_in(const Releases& releases, const VmmVersion& release) { return releases.has(release); }

    Releases releases_of_kernels(ObjectReader& reader, const Value& at) const {
        const Releases result = releases(reader);
        const bool holds = std::any_of(data_.kernels.begin(), data_.kernels.end(),
                                       [&](const GuestKernel& kernel) { return holds_in(result, kernel.release); });
        if (!holds) fail(at, "since and until that a kernel of this file is in");
        return result;
    }

    bool overlap(const Releases& one, const Releases& other) const {
        return std::any_of(data_.kernels.begin(), data_.kernels.end(), [&](const GuestKernel& kernel) {
            return holds_in(one, kernel.release) && holds_in(other, kernel.release);
        });
    }

    const std::set<std::string>* named_;
    const Rulebook* rulebook_;
    GuestData data_;
    std::set<std::string> names_;                   // of this file
    std::map<std::string, GuestTerm::Kind> kinds_;  // of those of them that a term may have
};

}  // namespace

}  // namespace rulebook

std::string_view to_string(Belief belief) noexcept {
    switch (belief) {
        case Belief::not_affected: return "not-affected";
        case Belief::mitigated: return "mitigated";
        case Belief::vulnerable: return "vulnerable";
        case Belief::unknown: break;
    }
    return "unknown";
}

std::optional<Belief> belief_named(std::string_view name) noexcept {
    for (const Belief belief : {Belief::not_affected, Belief::mitigated, Belief::vulnerable, Belief::unknown}) {
        if (to_string(belief) == name) return belief;
    }
    return std::nullopt;
}

namespace rulebook {

std::string GuestTerm::text() const {
    std::string result = negated ? "!" : "";
    if (told) result += told_prefix;
    if (kind == Kind::vendor) result += vendor_prefix;
    return result + name;
}

bool GuestCpus::has(std::string_view vendor, const Signature& signature) const noexcept {
    return is_for(vendors, vendor) && has_number(families, signature.family) && has_number(models, signature.model) &&
           has_number(steppings, signature.stepping);
}

std::vector<GuestData> guest_data(const Rulebook& rulebook) {
    std::vector<GuestData> all;
    for (const GuestFile& guest : rulebook.guests) {
        const RulebookFile file{"guests/" + std::string(guest.name) + ".json", std::string(guest.document)};
        all.push_back(GuestParser(file, nullptr, nullptr, &rulebook, nullptr).parse());
    }
    return all;
}

void lint_guests(const std::vector<RulebookFile>& files, const SourceRulebook* source,
                 std::vector<LintFinding>& findings) {
    std::optional<KnownNames> known;
    std::set<std::string> named;
    if (source != nullptr) {
        known.emplace(*source);
        for (const SourceVulnerability& vulnerability : source->vulnerabilities) named.insert(vulnerability.id);
    }
    for (const RulebookFile& file : files) {
        collect_into(&findings, "", [&] {
            GuestParser(file, known ? &*known : nullptr, known ? &named : nullptr, nullptr, &findings).parse();
        });
    }
}

}  // namespace rulebook

}  // namespace poolcpuid
