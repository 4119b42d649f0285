#include "compare/reach.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "base/hex.hpp"
#include "compare/breach.hpp"
#include "promises/views_key.hpp"

namespace poolcpuid::compare {

namespace {

// Puts name into the group that is alike, which is made where there is none. Few groups, many names: each
// kind of host is compared with the groups once, and its place kept under key.
template <typename Group, typename Key>
class Groups {
public:
    void put(const Key& key, const std::string& name, Group fresh) {
        const auto [at, is_new] = places_.emplace(key, 0);
        if (is_new) at->second = place_of(std::move(fresh));
        groups_[at->second].hosts.push_back(name);
    }

    std::vector<Group> take() { return std::move(groups_); }

private:
    static bool alike(const Unreachable& a, const Unreachable& b) {
        return a.before == b.before && a.violations == b.violations;
    }
    static bool alike(const FlawedHosts& a, const FlawedHosts& b) { return a.violations == b.violations; }
    static bool alike(const StartUpHosts& a, const StartUpHosts& b) { return a.start_up == b.start_up; }

    std::size_t place_of(Group fresh) {
        const auto same =
            std::find_if(groups_.begin(), groups_.end(), [&](const Group& group) { return alike(group, fresh); });
        const auto place = static_cast<std::size_t>(same - groups_.begin());
        if (same == groups_.end()) groups_.push_back(std::move(fresh));
        return place;
    }

    std::map<Key, std::size_t> places_;
    std::vector<Group> groups_;
};

// The violations of a host that may run the VM: those that count and only cost speed, and those that are not known
// and do not count.
struct Flaws {
    std::vector<Violation> degraded;
    std::vector<Violation> doubtful;
};

Flaws flaws_of(const Verdict& verdict, UnknownIs unknown) {
    Flaws flaws;
    for (const Violation& violation : verdict.violations) {
        (violation.counts(unknown) ? flaws.degraded : flaws.doubtful).push_back(violation);
    }
    return flaws;
}

}  // namespace

Reach::Reach(const Rulebook& rulebook, const PoolPolicy& policy, const Hosts& hosts, Strictness strictness)
    : hosts_(hosts), strictness_(strictness) {
    const PolicyCheck check(rulebook, policy);
    for (const HostDump* host : hosts.kinds.examples()) verdicts_.push_back(check.against(*host));
}

void Reach::describe(RunningPlan& plan) const {
    Groups<Unreachable, std::pair<std::size_t, bool>> unreachable;
    Groups<FlawedHosts, std::size_t> degraded;
    Groups<FlawedHosts, std::size_t> doubtful;
    for (const auto& [name, host] : hosts_.after) {
        const std::size_t kind = hosts_.kinds.of(*host);
        const Verdict& verdict = on(*host);
        if (verdict.compatible(strictness_)) {
            plan.reaches.push_back(name);
            const Flaws flaws = flaws_of(verdict, strictness_.unknown);
            if (!flaws.degraded.empty()) degraded.put(kind, name, {{}, flaws.degraded});
            if (!flaws.doubtful.empty()) doubtful.put(kind, name, {{}, flaws.doubtful});
            continue;
        }
        const auto old = hosts_.before.find(name);
        const bool before = old != hosts_.before.end() && !may_run_on(*old->second);
        unreachable.put({kind, before}, name, {{}, before, verdict.violations});
    }
    plan.cannot_reach = unreachable.take();
    plan.degraded = degraded.take();
    plan.doubtful = doubtful.take();
    plan.start_up = start_up();
    for (const std::string& name : hosts_.moving) {
        // Of a host whose dump is gone it is not known: VMs may be there.
        if (!hosts_.lost.contains(name) && !may_run_on(*hosts_.before.at(name))) continue;
        plan.must_move.push_back(name);
        const bool only_there = plan.reaches.size() == 1 && plan.reaches.front() == name;
        if (plan.reaches.empty() || only_there) plan.no_refuge.push_back(name);
    }
}

std::vector<StartUpHosts> Reach::start_up() const {
    Groups<StartUpHosts, std::size_t> groups;
    for (const auto& [name, host] : hosts_.after) {
        const Verdict& verdict = on(*host);
        if (verdict.start_up.empty() || !verdict.compatible(strictness_)) continue;
        groups.put(hosts_.kinds.of(*host), name, {{}, verdict.start_up});
    }
    return groups.take();
}

std::vector<std::string> Reach::moving_beyond_reach() const {
    std::vector<std::string> names;
    for (const std::string& name : hosts_.moving) {
        if (!hosts_.lost.contains(name) && !may_run_on(*hosts_.before.at(name))) names.push_back(name);
    }
    return names;
}

std::vector<Mend> mends_of(const Hosts& hosts, const std::vector<Reach>& running) {
    std::map<std::size_t, std::vector<std::string>> names;  // of the hosts after the change, by kind
    for (const auto& [name, host] : hosts.after) names[hosts.kinds.of(*host)].push_back(name);

    using Fields = std::set<std::pair<BitPlace, std::string>>;
    std::map<std::pair<std::string, Fields>, std::vector<std::string>> mends;  // hosts by remedy and fields
    for (const auto& [kind, of_kind] : names) {
        std::map<std::string, Fields> remedies;
        for (const Reach& reach : running) {
            for (const Violation& violation : reach.on(*hosts.kinds.examples()[kind]).violations) {
                if (!violation.mend.empty()) remedies[violation.mend].emplace(violation.place, violation.field);
            }
        }
        for (auto& [remedy, fields] : remedies) {
            auto& all = mends[{remedy, std::move(fields)}];
            all.insert(all.end(), of_kind.begin(), of_kind.end());
        }
    }

    std::vector<Mend> result;
    for (auto& [key, all] : mends) {
        Mend mend{key.first, {}, std::move(all)};
        std::sort(mend.hosts.begin(), mend.hosts.end());
        for (const auto& [place, field] : key.second) {
            // A field of several subleaves has several places.
            if (std::find(mend.fields.begin(), mend.fields.end(), field) == mend.fields.end()) {
                mend.fields.push_back(field);
            }
        }
        result.push_back(std::move(mend));
    }
    std::stable_sort(result.begin(), result.end(), [](const Mend& a, const Mend& b) {
        return std::tie(a.hosts.front(), a.fields, a.remedy) < std::tie(b.hosts.front(), b.fields, b.remedy);
    });
    return result;
}

void HostKinds::add(const Rulebook& rulebook, const HostsByName& hosts) {
    for (const auto& [name, host] : hosts) {
        const auto [kind, is_new] = kinds_.emplace(host, 0);
        if (!is_new) continue;
        const auto [known, fresh] = by_digest_.emplace(sha256_of(*host), 0);
        if (fresh) known->second = kind_of_views(promises::views_key(rulebook, *host), host);
        kind->second = known->second;
    }
}

std::size_t HostKinds::kind_of_views(std::string views, const HostDump* host) {
    const auto [at, fresh] = by_views_.emplace(std::move(views), examples_.size());
    if (fresh) examples_.push_back(host);
    return at->second;
}

namespace {

using Settings = std::map<std::string, std::string>;

Settings settings_of(const HostFacts& facts) {
    Settings settings;
    if (facts.cpu) settings[cpu_setting] = full_text(*facts.cpu);
    if (facts.microcode) settings[microcode_setting] = to_hex(*facts.microcode);
    if (!facts.kernel.empty()) settings[kernel_setting] = facts.kernel;
    return settings;
}

Settings settings_of(const Rulebook& rulebook, const HostDump& host) {
    Settings settings = settings_of(facts_of(rulebook, host));
    for (const auto& [key, value] : host.meta) {
        if (key.starts_with("kvm")) settings[key] = value;
    }
    return settings;
}

bool is_newer_microcode(const HostFacts& before, const HostFacts& after) {
    return before.microcode && after.microcode && *before.microcode < *after.microcode;
}

std::vector<SettingChange> changes_of(const Settings& before, const Settings& after, bool newer_microcode) {
    std::map<std::string, SettingChange> changes;
    for (const auto& [name, value] : before) changes[name] = {name, value, std::nullopt};
    for (const auto& [name, value] : after) {
        const auto [at, fresh] = changes.emplace(name, SettingChange{name, std::nullopt, value});
        if (!fresh) at->second.after = value;
    }
    std::vector<SettingChange> result;
    for (const auto& [name, change] : changes) {
        if (change.before == change.after) continue;
        result.push_back(change);
        result.back().is_newer = newer_microcode && name == microcode_setting;
    }
    return result;
}

}  // namespace

std::vector<SettingChange> setting_changes(const Rulebook& rulebook, const HostDump& before, const HostDump& after) {
    return changes_of(settings_of(rulebook, before), settings_of(rulebook, after),
                      is_newer_microcode(facts_of(rulebook, before), facts_of(rulebook, after)));
}

std::vector<SettingChange> setting_changes(const Rulebook& rulebook, const HostFacts& before, const HostDump& after) {
    if (before == HostFacts{}) return {};  // an older document, or one that does not say which host had which content
    const HostFacts now = facts_of(rulebook, after);
    return changes_of(settings_of(before), settings_of(now), is_newer_microcode(before, now));
}

}  // namespace poolcpuid::compare
