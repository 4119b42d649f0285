#include "merge/pool.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <set>
#include <tuple>
#include <type_traits>

#include "merge/table_values.hpp"
#include "poolcpuid/error.hpp"
#include "poolcpuid/policy.hpp"
#include "rulebook/claims.hpp"

namespace poolcpuid::merge {

namespace {

void place_names(std::vector<Variant>& variants) {
    auto all = std::make_shared<std::vector<std::string>>();
    for (const Variant& variant : variants) {
        all->insert(all->end(), variant.hosts.names.begin(), variant.hosts.names.end());
    }
    std::sort(all->begin(), all->end());
    for (Variant& variant : variants) {
        variant.all_names = all;
        for (const std::string& name : variant.hosts.names) {
            const auto at = std::lower_bound(all->begin(), all->end(), name);
            variant.places.push_back(static_cast<std::size_t>(at - all->begin()));
        }
    }
}

}  // namespace

std::vector<Variant> variants_of(const HostGroups& groups, std::size_t most) {
    std::vector<Variant> variants;
    std::map<const HostPromises*, std::size_t> places;
    for (const auto& [digest, group] : groups) {
        const auto [at, fresh] = places.emplace(group.promises.get(), variants.size());
        if (fresh) variants.push_back({group.promises, {}, group.is_ceiling});
        variants[at->second].hosts.add(group.hosts, most);
    }
    place_names(variants);
    return variants;
}

VariantSet variants_where(const std::vector<Variant>& variants, const std::function<bool(const Variant&)>& which) {
    VariantSet found;
    for (const Variant& variant : variants) {
        if (which(variant)) found.insert(&variant);
    }
    return found;
}

HostList hosts_of(const VariantSet& variants, std::size_t most) {
    HostList hosts;
    std::vector<std::size_t> places;
    for (const Variant* variant : variants) {
        places.insert(places.end(), variant->places.begin(), variant->places.end());
        hosts.add({{}, variant->hosts.count, variant->hosts.cpus});
    }
    std::sort(places.begin(), places.end());
    if (places.size() > most) places.resize(most);
    hosts.names.reserve(places.size());
    for (const std::size_t place : places) hosts.names.push_back((*(*variants.begin())->all_names)[place]);
    return hosts;
}

namespace {

template <typename T>
void append_value(std::string& bytes, const T& value) {
    static_assert(std::has_unique_object_representations_v<T>);
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_rows(std::string& bytes, const std::vector<CpuidRow>& rows) {
    static_assert(std::has_unique_object_representations_v<CpuidRow>);
    append_value(bytes, rows.size());
    bytes.append(reinterpret_cast<const char*>(rows.data()), rows.size() * sizeof(CpuidRow));
}

void append_table(std::string& bytes, const CpuidTable& table) {
    append_rows(bytes, table.rows);
    append_rows(bytes, table.unknown_bits);
    append_value(bytes, table.unknown.size());
    for (const UnknownRow& row : table.unknown) {
        append_value(bytes, row.leaf);
        append_value(bytes, row.subleaf ? std::uint64_t{*row.subleaf} : ~std::uint64_t{0});
    }
}

bool has_field_in(const Rulebook& rulebook, std::uint32_t msr) {
    const auto at = std::partition_point(rulebook.fields.begin(), rulebook.fields.end(),
                                         [&](const Field& field) { return !field.is_msr || field.leaf < msr; });
    return at != rulebook.fields.end() && at->leaf == msr;
}

void append_msrs(std::string& bytes, const Rulebook& rulebook, const std::optional<std::vector<MsrRow>>& msrs) {
    append_value(bytes, msrs ? std::uint32_t{1} : std::uint32_t{0});
    if (!msrs) return;
    for (const MsrRow& row : *msrs) {
        if (!has_field_in(rulebook, row.index)) continue;
        append_value(bytes, row.index);
        append_value(bytes, row.value ? std::uint32_t{1} : std::uint32_t{0});
        append_value(bytes, row.value.value_or(0));
    }
    append_value(bytes, ~std::uint32_t{0});  // the end of the list
}

}  // namespace

std::string views_key(const Rulebook& rulebook, const HostDump& host) {
    std::string bytes;
    if (host.hardware) {
        const std::vector<const CpuidTable*> tables = different_tables(*host.hardware);
        append_value(bytes, tables.size());
        for (const CpuidTable* table : tables) append_table(bytes, *table);
        append_msrs(bytes, rulebook, host.hardware->msrs);
    } else {
        append_value(bytes, std::size_t{0});
    }
    append_value(bytes, microcode_revision(host).value_or(0));
    bytes += kernel_of(host) + '\0';
    append_value(bytes, host.hypervisor ? std::uint32_t{1} : std::uint32_t{0});
    if (host.hypervisor) {
        append_table(bytes, host.hypervisor->cpuid);
        append_msrs(bytes, rulebook, host.hypervisor->msrs);
    }
    return bytes;
}

std::string kernel_of(const HostDump& host) {
    const auto at = host.meta.find("kernel");
    return host.hardware && host.hypervisor && at != host.meta.end() ? at->second : std::string();
}

namespace {

bool keeps_bits(const Plan& plan, const HostPromises& host, FieldIndex index) {
    const Field& field = plan.rulebook()[index];
    const auto word = plan.find_word(index, field.subleaf_first);
    return word && (host.atoms.words[*word] & field.mask()) == field.mask();
}

}  // namespace

SeenValue seen_value(const Plan& plan, const HostPromises& host, FieldIndex index, std::uint32_t subleaf) {
    const Field& field = plan.rulebook()[index];
    if (promises_by_bits(field.rule)) {
        if (const auto word = plan.find_word(index, subleaf)) {
            std::uint64_t value = plan.words()[*word].value_of(host.atoms.words[*word]) & field.mask();
            const bool known = (host.unknown[*word] & field.mask()) == 0;
            // Bad news goes by the name that the host's own EIBRS gives it.
            if (const RetpolineBits* group = plan.retpoline_of(index)) {
                const bool restricted = keeps_bits(plan, host, group->eibrs);
                if (restricted != (index == group->rrsba)) value = 0;
            }
            value = without_covered(field, value);
            return {known, known ? value >> field.low : 0, (host.modelled[*word] & field.mask()) != 0,
                    (host.implied[*word] & field.mask()) != 0};
        }
    }
    if (index == plan.microcode()) {
        const auto& revision = host.silicon.microcode;
        return {revision.has_value(), revision.value_or(0)};
    }
    if (const auto slot = plan.find_number(index, subleaf)) {
        // The least that the architecture allows, taken for what the dump does not say, is not known of the host; so
        // much as every hypervisor gives is.
        const bool is_assumed = std::find(host.assumed.begin(), host.assumed.end(), index) != host.assumed.end();
        const Number& number = host.atoms.numbers[*slot];
        const bool is_assured = field.assured != 0 && number.value == field.assured;
        return {number.known && (!is_assumed || is_assured), number.value};
    }
    const CpuidTable& table = field.is_msr ? *host.offered_table : *host.table;
    const auto raw = ViewReader(plan, table, *host.msrs).field(field, subleaf);
    return {raw.has_value(), raw.value_or(0)};
}

SeenValue brought_value(const Plan& plan, const HostPromises& host, FieldIndex index, std::uint32_t subleaf) {
    SeenValue seen = seen_value(plan, host, index, subleaf);
    if (seen.implied) seen.value = 0;
    return seen;
}

bool is_withheld(const Plan& plan, const HostPromises& host, FieldIndex index, std::uint32_t subleaf) {
    const Field& field = plan.rulebook()[index];
    if (!promises_by_bits(field.rule)) return false;
    const auto word = plan.find_word(index, subleaf);
    return word && (host.withheld[*word] & field.mask()) != 0;
}

namespace {

// True when the host shows each bit that hypervisors make where a model is immune to this.
bool shows_immunity(const Plan& plan, const HostPromises& host, std::string_view vulnerability) {
    bool any = false;
    for (const FieldIndex index : plan.fields()) {
        if (!rulebook::lists(plan.rulebook()[index].made.model, vulnerability)) continue;
        if (!keeps_bits(plan, host, index)) return false;
        any = true;
    }
    return any;
}

}  // namespace

bool is_open_to(const Plan& plan, const HostPromises& host, std::string_view vulnerability) {
    const auto is_open = [&](const Silicon& silicon) {
        return silicon.model != nullptr && !rulebook::lists(silicon.model->immune, vulnerability);
    };
    return host.any_silicon(is_open) && !shows_immunity(plan, host, vulnerability);
}

std::vector<std::string> open_unknown_to_guests(const Plan& plan, const HostPromises& lender,
                                                const HostPromises& host) {
    const Model* shown = lender.silicon.model;
    if (shown == nullptr) return {};
    std::set<std::string> open;
    const auto add_those_of = [&](const Silicon& silicon) {
        if (silicon.model == nullptr) return;
        for (const std::string_view id : rulebook::claims_beyond(*shown, silicon.model)) {
            const bool is_sought = !rulebook::lists(shown->unaware, id);
            if (is_sought || is_open_to(plan, host, id)) open.emplace(id);
        }
    };
    add_those_of(host.silicon);
    for (const Silicon& silicon : host.other_silicon) add_those_of(silicon);
    return {open.begin(), open.end()};
}

const HostGroup* choose_identity(const HostGroups& groups, const std::string& requested) {
    if (!requested.empty()) {
        const auto at = groups.find(requested);
        return at == groups.end() || at->second.is_ceiling ? nullptr : &at->second;
    }
    const HostGroup* best = nullptr;
    const auto rank = [](const HostGroup& group) {
        const Model* model = group.promises->silicon.model;
        // A model that the table does not know may be newer than all others: it comes last.
        const std::size_t immunities =
            model == nullptr ? std::numeric_limits<std::size_t>::max() : model->inferred.size();
        const std::uint32_t generation = model == nullptr ? 0 : model->generation;
        // Of equally safe CPUs, the one whose caches and brand the dump says.
        return std::tuple(immunities, generation, group.promises->silent_identity, group.sha256);
    };
    for (const auto& [digest, group] : groups) {
        if (!group.is_ceiling && (best == nullptr || rank(group) < rank(*best))) best = &group;
    }
    return best;
}

}  // namespace poolcpuid::merge
