#include "poolcpuid/guest_cpu.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/hex.hpp"
#include "base/json_text.hpp"
#include "policy/document_json.hpp"
#include "poolcpuid/guest_features.hpp"
#include "poolcpuid/policy_registers.hpp"
#include "rulebook/names.hpp"

namespace poolcpuid {

namespace {

using Json = nlohmann::ordered_json;

std::vector<std::pair<FieldIndex, std::uint64_t>> limits_of(const Rulebook& rulebook, const PoolPolicy& policy) {
    std::vector<std::pair<FieldIndex, std::uint64_t>> limits;
    const auto vendor = rulebook.vendor_of(policy.vendor);
    const PolicyRegisters guest(policy);
    for (std::size_t i = 0; vendor && i < rulebook.fields.size(); ++i) {
        const Field& field = rulebook.fields[i];
        const bool is_limit = field.rule == Rule::min || field.rule == Rule::max;
        if (!is_limit || ((field.vendors >> *vendor) & 1U) == 0 || guest.is_owned(field.place())) continue;
        if (const std::uint64_t value = guest.value(field)) limits.emplace_back(static_cast<FieldIndex>(i), value);
    }
    return limits;
}

Json choice_json(const ModelChoice& choice) {
    return {{"model", choice.model.name},
            {"version", choice.version},
            {"add", choice.model.add},
            {"remove", choice.model.remove}};
}

// Each name once: a bit that CPUID says in two places has one.
Json names_of(const Rulebook& rulebook, const std::vector<FieldIndex>& fields, std::string_view tongue) {
    Json names = Json::array();
    for (const FieldIndex index : fields) {
        const std::string_view name = name_in(tongue, rulebook[index]);
        if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    return names;
}

}  // namespace

std::string_view name_in(std::string_view tongue, const Field& field) noexcept {
    if (tongue == tongues.front()) return field.id;
    for (const auto& [project, name] : rulebook::names_of(field)) {
        if (project == tongue) return name;
    }
    return {};
}

GuestCpu guest_cpu_of(const Rulebook& rulebook, const PoolPolicy& policy) {
    GuestCpu guest;
    guest.identity = cpu_of(rulebook, rulebook.vendor_of(policy.vendor), PolicyRegisters(policy).signature());
    guest.level = level_of(rulebook, policy);
    const std::size_t above =
        guest.level == nullptr ? 0 : static_cast<std::size_t>(guest.level - rulebook.levels.data()) + 1;
    if (above < rulebook.levels.size()) {
        guest.next = &rulebook.levels[above];
        guest.next_missing = missing_for(rulebook, policy, *guest.next);
    }
    guest.features = guest_features(rulebook, policy);
    guest.limits = limits_of(rulebook, policy);
    return guest;
}

std::string to_json(const Rulebook& rulebook, const PoolPolicy& policy, const GuestCpu& guest,
                    std::string_view tongue) {
    Json json;
    json["schema"] = "poolcpuid/show/v1";
    json["pool"] = policy.pool;
    json["vendor"] = policy.vendor;
    json["sha256"] = sha256_of(policy);
    json["rulebook"] = {{"version", rulebook.version}, {"sha256", rulebook.sha256}};
    json["identity"] = document::cpu_json(guest.identity);
    if (guest.level != nullptr) json["level"] = guest.level->id;
    if (guest.next != nullptr) {
        json["next_level"] = {{"level", guest.next->id},
                              {"missing", names_of(rulebook, guest.next_missing, "poolcpuid")}};
    }
    json["nearest"] = Json::object();
    if (guest.qemu) json["nearest"]["qemu"] = choice_json(*guest.qemu);
    if (guest.libvirt) json["nearest"]["libvirt"] = choice_json(*guest.libvirt);
    json["names"] = tongue;
    json["features"] = names_of(rulebook, guest.features, tongue);
    std::vector<FieldIndex> unnamed = guest.features;
    std::erase_if(unnamed, [&](FieldIndex index) { return !name_in(tongue, rulebook[index]).empty(); });
    json["unnamed"] = names_of(rulebook, unnamed, tongues.front());
    std::vector<FieldIndex> announced = guest.features;
    std::erase_if(announced, [&](FieldIndex index) { return !is_announcement(rulebook, index); });
    json["announced"] = names_of(rulebook, announced, tongue);
    json["limits"] = document::array_of(guest.limits, [&](const auto& limit) {
        const Field& field = rulebook[limit.first];
        Json entry;
        document::put_field(entry, rulebook, std::string(field.id), field.place(field.subleaf_first));
        entry["value"] = to_hex(limit.second);
        return entry;
    });
    json["msrs"] = document::array_of(policy.msrs, [](const MsrRow& msr) {
        return Json{{"index", to_hex(msr.index)}, {"value", to_hex(msr.value.value_or(0), 16)}};
    });
    return json::text_of(json);
}

}  // namespace poolcpuid
