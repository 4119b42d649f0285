#include "cli/expect.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "text/hex.hpp"

namespace poolcpuid::cli {

namespace {

class Comparison {
public:
    Comparison(const PoolPolicy& expected, const PoolPolicy& actual) : expected_(expected), actual_(actual) {}

    std::vector<std::string> run() {
        rulebooks();
        hosts();
        registers();
        if (causes_.empty() && !(expected_ == actual_)) rest();
        return std::move(causes_);
    }

private:
    void rulebooks() {
        if (expected_.rulebook_sha256 == actual_.rulebook_sha256) return;
        causes_.push_back("it was made with another rulebook: version " + expected_.rulebook_version + " (" +
                          expected_.rulebook_sha256 + "), not " + actual_.rulebook_version + " (" +
                          actual_.rulebook_sha256 + ")");
    }

    static std::map<std::string, const HostClass*> by_digest(const PoolPolicy& policy) {
        std::map<std::string, const HostClass*> classes;
        for (const HostClass& host : policy.hosts) classes[host.sha256] = &host;
        return classes;
    }

    static std::string first_name(const HostClass& host) {
        return host.names.empty() ? host.sha256 : host.names.front();
    }

    static const HostClass* with_name(const std::map<std::string, const HostClass*>& classes, const std::string& name) {
        for (const auto& [digest, host] : classes) {
            if (std::find(host->names.begin(), host->names.end(), name) != host->names.end()) return host;
        }
        return nullptr;
    }

    void hosts() {
        const auto before = by_digest(expected_);
        const auto after = by_digest(actual_);
        for (const auto& [digest, host] : before) {
            if (after.contains(digest)) continue;
            const std::string name = first_name(*host);
            const bool changed = with_name(after, name) != nullptr;
            causes_.push_back(changed ? "the dump of host " + name + " changed (it was " + digest + ")"
                                      : "host " + name + " (" + digest + ") is missing from the inputs");
        }
        for (const auto& [digest, host] : after) {
            const std::string name = first_name(*host);
            if (before.contains(digest) || with_name(before, name) != nullptr) continue;
            causes_.push_back("host " + name + " (" + digest + ") was not among its inputs");
        }
        if (causes_.empty() && expected_.names_sha256 != actual_.names_sha256) {
            causes_.push_back("the hosts have other names, or there are more or fewer of equal content");
        }
    }

    template <typename Row, typename Key>
    static const Row* find(const std::vector<Row>& rows, Key key) {
        const auto at = std::find_if(rows.begin(), rows.end(), key);
        return at == rows.end() ? nullptr : &*at;
    }

    void registers() {
        std::set<LeafKey> keys;
        for (const CpuidRow& row : expected_.cpuid) keys.insert(row.key);
        for (const CpuidRow& row : actual_.cpuid) keys.insert(row.key);
        for (const LeafKey& key : keys) {
            const auto same = [&](const CpuidRow& row) { return row.key == key; };
            const CpuidRow* before = find(expected_.cpuid, same);
            const CpuidRow* after = find(actual_.cpuid, same);
            for (const Register reg : {Register::eax, Register::ebx, Register::ecx, Register::edx}) {
                const std::uint32_t was = before == nullptr ? 0 : before->value[reg];
                const std::uint32_t is = after == nullptr ? 0 : after->value[reg];
                if (was == is) continue;
                causes_.push_back("leaf " + to_hex(key.leaf) + " subleaf " + to_hex(key.subleaf) + " " +
                                  to_string(reg) + " is " + to_hex(was, 8) + ", these inputs give " + to_hex(is, 8));
            }
        }
        if (expected_.msrs != actual_.msrs) causes_.push_back("its MSRs are not those that these inputs give");
    }

    void rest() {
        causes_.push_back(
            "the registers agree, but the pool's name, owned bits, decisions or findings do not "
            "(were other options used?)");
    }

    const PoolPolicy& expected_;
    const PoolPolicy& actual_;
    std::vector<std::string> causes_;
};

}  // namespace

std::vector<std::string> differences(const PoolPolicy& expected, const PoolPolicy& actual) {
    return Comparison(expected, actual).run();
}

}  // namespace poolcpuid::cli
